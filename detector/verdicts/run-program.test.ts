import { chmodSync, copyFileSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from '@jest/globals'
import { executeVerdict } from './execute.ts'
import type { ProcessStat } from './proc.ts'
import { openTestContext, order, startVictim, until, withArgument } from './testing.ts'

const SH = '/bin/sh'
const run = (argv: string[], rest: Record<string, unknown> = {}, fields = {}) =>
  order('run_program', null, { parameters: { argv, ...rest }, fields })

test('a field is one argument, whatever it says, and a shell never sees it', async () => {
  await using context = await openTestContext({ programs: ['/usr/bin/printf'] })
  const evil = '$(touch /tmp/riposte-pwned); `id` "\n --x'
  const answer = await executeVerdict(
    run(['/usr/bin/printf', '<%s>', '%fd.name', 'a%fd.name'], {}, { 'fd.name': evil }),
    context,
  )
  expect(answer).toMatchObject({ status: 'done', effect: { stdout: `<${evil}><a%fd.name>` } })
})

test('the program sees what the policy names and nothing of our own environment', async () => {
  process.env['RIPOSTE_TOKEN_CANARY'] = 'secret'
  await using context = await openTestContext({ programs: ['/usr/bin/env'] })
  const env = { env: { RULE: 'literal', NAME: '%proc.name' } }
  const answer = await executeVerdict(run(['/usr/bin/env'], env, { 'proc.name': 'x=y' }), context)
  delete process.env['RIPOSTE_TOKEN_CANARY']
  expect(String(answer.effect?.['stdout']).trim().split('\n').toSorted()).toEqual([
    'PATH=/usr/sbin:/usr/bin:/sbin:/bin',
    'RIPOSTE_NAME=x=y',
    'RIPOSTE_RULE=literal',
    'RIPOSTE_STEP_ID=step-1',
  ])
})

test('only what the node allows is run, and only if nobody else can write it', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'riposte-program-'))
  const loose = join(folder, 'loose')
  copyFileSync('/bin/true', loose)
  chmodSync(loose, 0o777)
  try {
    await using context = await openTestContext({ programs: [loose, '/bin/true'] })
    for (const program of ['/bin/false', 'true', loose])
      expect(await executeVerdict({ ...run([program]), id: program }, context)).toMatchObject({
        status: 'refused',
      })
    expect(await executeVerdict(run(['/bin/true']), context)).toMatchObject({ status: 'done' })
  } finally {
    rmSync(folder, { recursive: true })
  }
})

test('a value that looks like an option, or that the alert does not carry, is refused', async () => {
  await using context = await openTestContext({ programs: ['/usr/bin/printf'] })
  const fields = { 'proc.name': '-rf', 'a.list': ['a'], 'a.nothing': null }
  for (const argument of ['%proc.name', '%a.list', '%a.nothing', '%fd.name'])
    expect(
      await executeVerdict(
        { ...run(['/usr/bin/printf', '%s', argument], {}, fields), id: argument },
        context,
      ),
    ).toMatchObject({
      status: 'refused',
    })
  const answer = await executeVerdict(
    run(['/usr/bin/printf', '--', '%s', '%proc.name'], {}, fields),
    context,
  )
  expect(answer).toMatchObject({ effect: { stdout: '-rf' } })
})

test('at the deadline the program dies with everything it started', async () => {
  await using context = await openTestContext({ programs: [SH] })
  const answer = await executeVerdict(
    run([SH, '-c', 'sleep 77401 & (sleep 77401 &) ; sleep 77401; true'], { timeoutMs: 300 }),
    context,
  )
  expect(answer).toMatchObject({ status: 'failed', detail: `${SH} was killed at its deadline: ` })
  await until(() => withArgument('77401').length === 0)
})

test('what a program leaves behind ends with it', async () => {
  await using context = await openTestContext({ programs: [SH] })
  const answer = await executeVerdict(run([SH, '-c', 'sleep 77402 & echo started']), context)
  expect(answer).toMatchObject({ status: 'done', effect: { stdout: 'started\n' } })
  await until(() => withArgument('77402').length === 0)
})

test('a failure is told with its last words, and a flood of output is cut', async () => {
  await using context = await openTestContext({ programs: [SH] })
  const failure = await executeVerdict(
    run([SH, '-c', 'echo first >&2; echo last >&2; exit 3']),
    context,
  )
  expect(failure).toMatchObject({
    status: 'failed',
    detail: `${SH} exited with 3: last`,
    isRetryable: false,
  })
  const flood = { ...run([SH, '-c', 'seq 200000']), id: 'flood' }
  const { effect } = await executeVerdict(flood, context)
  expect(effect).toMatchObject({ isTruncated: true })
  expect(String(effect?.['stdout']).length).toBe(65536)
  expect(String(effect?.['stdout']).endsWith('200000\n')).toBe(true)
})

const suspect = (of: ProcessStat) => ({
  ...of,
  startTimeNs: BigInt(of.startTicks) * 10_000_000n,
})

test('what Riposte starts is known as its own, and a stranger is not', async () => {
  await using context = await openTestContext({ programs: [SH] })
  await using stranger = await startVictim(['sleep', '1000'])
  const running = executeVerdict(run([SH, '-c', 'sleep 77403; true'], { timeoutMs: 2000 }), context)
  await until(() => withArgument('77403').length === 1)
  const [child] = withArgument('77403')
  const known = child !== undefined && context.own.isOwn(suspect(child))
  process.kill(child?.pid ?? 0)
  await running
  expect(known).toBe(true)
  expect(child !== undefined && context.own.isOwn(suspect(child))).toBe(true)
  const { pid, parentPid, sessionId, startTimeNs } = stranger.identity
  expect(context.own.isOwn({ pid, parentPid, sessionId, startTimeNs: BigInt(startTimeNs) })).toBe(
    false,
  )
  // A process that has our program's number as its parent's, but was born after that ended.
  const later = BigInt(child?.startTicks ?? 0) * 10_000_000n + 3_600_000_000_000n
  expect(
    context.own.isOwn({
      pid: 1,
      parentPid: child?.parentPid ?? 0,
      sessionId: 1,
      startTimeNs: later,
    }),
  ).toBe(false)
})
