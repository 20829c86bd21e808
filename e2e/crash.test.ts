import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import { verifyAudit } from '../responder/ledger/audit.ts'
import { readCheckpoints } from '../responder/ledger/checkpoints.ts'
import { openLedger } from '../responder/ledger/open.ts'
import { points } from '../responder/run-parts.ts'
import type { CrashOrder } from './crash-child.ts'
import { eventually } from './estate.ts'
import { worldOf } from './world.ts'
import { postgresHome } from './ledgers.ts'

let directory = ''
const children: ChildProcess[] = []
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'riposte-crash-'))
})
afterEach(async () => {
  for (const child of children.splice(0)) {
    const exit = once(child, 'exit')
    if (child.exitCode === null && child.signalCode === null && child.kill('SIGKILL')) await exit
  }
  rmSync(directory, { recursive: true, force: true })
})

const orderOf = (changes: Partial<CrashOrder> = {}): CrashOrder => ({
  directory,
  redis: 'redis',
  ledger: { file: join(directory, 'ledger.db') },
  action: 'stop',
  ttlMs: null,
  crash: null,
  ...changes,
})

function start(order: CrashOrder) {
  const script = join(import.meta.dirname, 'crash-child.ts')
  const child = spawn(process.execPath, [script, JSON.stringify(order)], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, NODE_OPTIONS: '' },
  })
  children.push(child)
  let said = ''
  child.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()))
  let complained = ''
  child.stderr.on('data', (chunk: Buffer) => (complained += chunk.toString()))
  const ended = once(child, 'close').then(() => ({ signal: child.signalCode, said, complained }))
  return { child, ended }
}

async function finish(order: CrashOrder) {
  const { said, complained } = await start(order).ended
  expect(complained).toBe('')
  return JSON.parse(said) as { kind: string; outcome: { status: string; code: string } }[]
}

async function expectAuditHolds() {
  await using ledger = await openLedger({ file: join(directory, 'ledger.db') })
  const checkpoints = await readCheckpoints(join(directory, 'audit.checkpoints'))
  expect(await verifyAudit(ledger, checkpoints)).toMatchObject({ isIntact: true })
}

test.each(points)(
  'I2 kill -9 of the responder at "%s": after a restart the act happened once',
  async (point) => {
    const crash = { point, kind: 'act', signal: 'SIGKILL' } as const
    expect(await start(orderOf({ crash })).ended).toMatchObject({ signal: 'SIGKILL' })
    const [step] = await finish(orderOf())
    expect(step?.outcome.status).toBe('done')
    expect(step?.outcome.code).toBe(point === 'acted' ? 'found_done' : 'verified')
    expect(worldOf(directory).effects()).toEqual(['stop'])
    await expectAuditHolds()
  },
  60_000,
)

test.each(points)(
  'I2 kill -9 at "%s" of an undo: after a restart the effect is undone once',
  async (point) => {
    const crash = { point, kind: 'undo', signal: 'SIGKILL' } as const
    const order = orderOf({ action: 'block', ttlMs: 50 })
    expect(await start({ ...order, crash }).ended).toMatchObject({ signal: 'SIGKILL' })
    const steps = await finish(order)
    expect(steps.map(({ kind, outcome }) => [kind, outcome.status])).toEqual([
      ['undo', 'done'],
      ['act', 'done'],
    ])
    expect(worldOf(directory).effects()).toEqual(['block', 'unblock'])
    await expectAuditHolds()
  },
  60_000,
)

test('a containment that came due while nothing ran is undone on return, and the audit says how late', async () => {
  const crash = { point: 'ended', kind: 'act', signal: 'SIGKILL' } as const
  const order = orderOf({ action: 'block', ttlMs: 20 })
  await start({ ...order, crash }).ended
  await finish(order)
  expect(worldOf(directory).effects()).toEqual(['block', 'unblock'])
  await using ledger = await openLedger({ file: join(directory, 'ledger.db') })
  const { body } = await ledger.rows
    .selectFrom('audit')
    .select('body')
    .where('kind', '=', 'undo_requested')
    .executeTakeFirstOrThrow()
  expect(JSON.parse(body)).toMatchObject({ reason: 'its time is over' })
  expect((JSON.parse(body) as { lateMs: number }).lateMs).toBeGreaterThan(20)
}, 60_000)

const postgres = postgresHome()
const onPostgres = postgres.missing === null ? describe : describe.skip
onPostgres(postgres.title, () => {
  beforeAll(() => postgres.start(), 60_000)
  afterAll(async () => postgres[Symbol.asyncDispose]())

  test('I2 a responder that was frozen before the act finds its lease gone when it wakes', async () => {
    const ledger = await postgres.fresh()
    const order = orderOf({ ledger, action: 'block' })
    const crash = { point: 'intent', kind: 'act', signal: 'SIGSTOP' } as const
    const frozen = start({ ...order, redis: 'redis-a', crash })
    await eventually(() => isStopped(frozen.child.pid))
    await finish({ ...order, redis: 'redis-b' })
    expect(worldOf(directory).effects()).toEqual(['block'])

    frozen.child.kill('SIGCONT')
    const { signal, complained } = await frozen.ended
    expect({ signal, complained }).toEqual({ signal: null, complained: '' })
    expect(worldOf(directory).effects()).toEqual(['block'])
    expect(worldOf(directory).calls()).toBe(1)
  }, 60_000)
})

const isStopped = (pid: number | undefined) =>
  pid !== undefined && /^State:\s+T/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))
