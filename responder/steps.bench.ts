/** Alert → act, one at a time and in a storm: the whole core, its own Redis, SQLite with synchronous=FULL. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { alertOf, draft, targetOf, terms } from '../e2e/drafts.ts'
import { partsFor } from '../e2e/estate.ts'
import { worldOf } from '../e2e/world.ts'
import { action } from './actions/action.ts'
import { startCore } from './core.ts'
import { openLedger } from './ledger/open.ts'
import { startRedis } from './redis.ts'
import { z } from 'zod'

const SINGLES = 200
const STORM = 1000

const acted = new Map<string, number>()
let onAct: () => void = () => undefined
const stop = action({
  name: 'stop',
  summary: 'Does nothing, and says when.',
  risk: 'disrupt',
  target: 'process',
  parameters: z.strictObject({}),
  capabilities: [],
  rbac: [],
  undoes: null,
  plan: ({ target }) =>
    Promise.resolve({ kind: 'change', detail: `stop ${target.name}`, effect: { members: [1] } }),
  run({ target }, effect) {
    acted.set(target.uid, performance.now())
    onAct()
    return Promise.resolve({ detail: `stopped ${target.name}`, effect })
  },
  verify: () => Promise.resolve(true),
})

const directory = mkdtempSync(join(process.env['BENCH_DIRECTORY'] ?? tmpdir(), 'riposte-steps-'))
const redis = await startRedis(join(directory, 'redis'))
const ledger = await openLedger({ file: join(directory, 'ledger.db') })
const limits = [
  {
    origin: 'policy p',
    scope: 'target',
    isPolicyOnly: true,
    classes: ['disrupt'],
    max: 5,
    perMs: 60_000,
  } as const,
]
const ends = { count: 0, wake: () => undefined as void }
const core = await startCore({
  ...partsFor(
    {
      plan: (alert, found) => [
        draft(alert, found, {
          parameters: {},
          terms: terms({
            limits,
            cooldownMs: 60_000,
            fuse: { max: 1_000_000, perMs: 60_000 },
            breaker: { failures: 5, perMs: 600_000 },
          }),
        }),
      ],
    },
    worldOf(directory),
  ),
  actions: [stop],
  ledger,
  redis: redis.address,
  isRedisOurs: true,
  onChange(change) {
    if (change.kind === 'step_ended') ends.count++
  },
  times: {},
})

const row = (title: string, value: string) => {
  process.stdout.write(`${title.padEnd(52)} ${value}\n`)
}
const at = (sorted: readonly number[], part: number) =>
  (sorted[Math.floor((sorted.length - 1) * part)] ?? NaN).toFixed(2)

async function single(pid: number): Promise<{ taken: number; acted: number }> {
  const alert = alertOf(pid)
  const began = performance.now()
  const done = new Promise<void>((resolve) => {
    onAct = resolve
  })
  await core.takeAlerts([alert])
  const taken = performance.now() - began
  await done
  return { taken, acted: (acted.get(targetOf(alert).uid) ?? NaN) - began }
}

async function storm(count: number, firstPid: number): Promise<number> {
  onAct = () => undefined
  const before = ends.count
  const alerts = Array.from({ length: count }, (_, index) => alertOf(firstPid + index))
  const began = performance.now()
  for (let start = 0; start < count; start += 500)
    await core.takeAlerts(alerts.slice(start, start + 500))
  while (ends.count - before < count) await sleep(5)
  return performance.now() - began
}

for (let pid = 10; pid < 30; pid++) await single(pid)
const singles: { taken: number; acted: number }[] = []
for (let index = 0; index < SINGLES; index++) {
  await core.idle()
  singles.push(await single(100 + index))
}
const sorted = (pick: (one: { taken: number; acted: number }) => number) =>
  singles.map(pick).toSorted((a, b) => a - b)
const taken = sorted((one) => one.taken)
const acts = sorted((one) => one.acted)
row('alert → durable, idle, p50 / p99', `${at(taken, 0.5)} / ${at(taken, 0.99)} ms`)
row('alert → act, idle, p50 / p99', `${at(acts, 0.5)} / ${at(acts, 0.99)} ms`)
const ms = await storm(STORM, 10_000)
row(`${STORM} alerts, each with one step done`, `${(ms / 1000).toFixed(2)} s`)
row('a step in the storm', `${(ms / STORM).toFixed(2)} ms`)
row('resident', `${Math.round(process.memoryUsage.rss() / 2 ** 20)} MiB`)

await core[Symbol.asyncDispose]()
await ledger[Symbol.asyncDispose]()
await redis[Symbol.asyncDispose]()
rmSync(directory, { recursive: true, force: true })
