import { copyFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from '@jest/globals'
import { findCgroupTrees } from './cgroups.ts'
import { executeVerdict } from './execute.ts'
import { setFrozen } from './freezer.ts'
import { isDead, readStat, running } from './proc.ts'
import {
  identityOf,
  makeCgroup,
  openTestContext,
  order,
  startVictim,
  until,
  withArgument,
} from './testing.ts'

const { freezer } = findCgroupTrees()
const onV1 = freezer === undefined ? test.skip : test

const children = (pid: number) => running().filter(({ parentPid }) => parentPid === pid)

test('the process that was judged is killed, and both the plan and the answer name it', async () => {
  await using context = await openTestContext()
  await using victim = await startVictim(['sleep', '1000'])

  const plan = await executeVerdict(
    order('kill_process', victim.identity, { operation: 'plan' }),
    context,
  )
  expect(plan).toMatchObject({ status: 'planned', detail: `kill 1 process: sleep (${victim.pid})` })
  expect(isDead(readStat(victim.pid))).toBe(false)

  const answer = await executeVerdict(order('kill_process', victim.identity), context)
  expect(answer).toMatchObject({
    status: 'done',
    detail: `killed 1 process: sleep (${victim.pid})`,
  })
  expect(withArgument('1000').map(({ pid }) => pid)).not.toContain(victim.pid)
  const seen = order('kill_process', victim.identity, {
    operation: 'verify',
    effect: answer.effect,
  })
  expect(await executeVerdict(seen, context)).toMatchObject({ status: 'done' })
})

test('a process that got the same pid later is left alone', async () => {
  await using context = await openTestContext()
  await using victim = await startVictim(['sleep', '1000'])
  const earlier = String(BigInt(victim.identity.startTimeNs) - 10_000_000n)

  const answer = await executeVerdict(
    order('kill_process', { ...victim.identity, startTimeNs: earlier }),
    context,
  )
  expect(answer).toMatchObject({ status: 'target_gone', effect: null })
  expect(isDead(readStat(victim.pid))).toBe(false)
})

test('a tree that forks as fast as it can is killed whole', async () => {
  await using context = await openTestContext()
  const bomb = 'for i in $(seq 3000); do (sleep 77001 & sleep 77001) & done; wait'
  await using victim = await startVictim(['sh', '-c', bomb])
  await until(() => withArgument('77001').length > 50)

  const answer = await executeVerdict(
    order('kill_process', victim.identity, { parameters: { scope: 'tree' } }),
    context,
  )
  expect(answer.status).toBe('done')
  expect(children(victim.pid)).toEqual([])
  // The inner shells had ended or not; a sleep whose shell had ended before is an orphan and no more of the tree.
  const left = withArgument('77001').filter(({ parentPid }) => parentPid !== 1)
  expect(left).toEqual([])
})

test('a session is killed with the processes that its leader has disowned', async () => {
  await using context = await openTestContext()
  await using bystander = await startVictim(['sleep', '1000'])
  await using victim = await startVictim(['sh', '-c', '(sleep 77002 & ); sleep 77002; true'])
  await until(() => withArgument('77002').length === 2)
  expect(children(victim.pid)).toHaveLength(1)

  const answer = await executeVerdict(
    order('kill_process', victim.identity, { parameters: { scope: 'session' } }),
    context,
  )
  expect(answer.detail).toMatch(/^killed 3 processes: /)
  expect(withArgument('77002')).toEqual([])
  expect(isDead(readStat(bystander.pid))).toBe(false)
})

test('what a crash left of a planned tree is killed, though its root is gone', async () => {
  await using context = await openTestContext()
  await using victim = await startVictim(['sh', '-c', 'sleep 77003 & sleep 77003 & wait'])
  await until(() => withArgument('77003').length === 2)
  const tree = { parameters: { scope: 'tree' } }
  const plan = await executeVerdict(
    order('kill_process', victim.identity, { ...tree, operation: 'plan' }),
    context,
  )
  process.kill(victim.pid, 'SIGKILL')
  await until(() => readStat(victim.pid) === undefined)

  const answer = await executeVerdict(
    order('kill_process', victim.identity, { ...tree, effect: plan.effect }),
    context,
  )
  expect(answer.detail).toMatch(/^killed 2 processes: sleep/)
  expect(withArgument('77003')).toEqual([])
})

test('a gentler signal reaches a stopped tree and lets it end by itself', async () => {
  await using context = await openTestContext()
  const script = 'trap "echo bye; exit" TERM; echo ready; while true; do sleep 0.05; done'
  await using victim = await startVictim(['sh', '-c', script])
  await until(() => victim.output() === 'ready\n')

  await executeVerdict(
    order('kill_process', victim.identity, { parameters: { scope: 'tree', signal: 'TERM' } }),
    context,
  )
  await until(() => victim.output().endsWith('bye\n'))
  expect(victim.output()).toBe('ready\nbye\n')
})

test('pid 1, kernel threads and what holds Riposte are refused, whatever the responder says', async () => {
  await using context = await openTestContext({ ownPids: [process.pid] })
  for (const pid of [1, 2, process.pid, process.ppid]) {
    const plan = await executeVerdict(
      order('kill_process', identityOf(pid), { operation: 'plan', parameters: { scope: 'tree' } }),
      context,
    )
    expect(plan).toMatchObject({ status: 'refused', effect: null })
  }
})

onV1(
  'a process that the v1 freezer holds is reported as not yet dead, and dies when it is thawed',
  async () => {
    await using context = await openTestContext()
    await using victim = await startVictim(['sleep', '1000'])
    using container = makeCgroup(freezer ?? '')
    container.add(victim.pid)
    const cgroup = { tree: 'freezer', directory: container.directory, id: container.id } as const
    setFrozen(cgroup, true)
    try {
      const answer = await executeVerdict(order('kill_process', victim.identity), context)
      expect(answer).toMatchObject({
        status: 'failed',
        isRetryable: true,
        detail: expect.stringContaining(`they die once ${container.directory} is thawed`),
      })
    } finally {
      setFrozen(cgroup, false)
    }
    await until(() => isDead(readStat(victim.pid)))
  },
)

test('a container cannot earn protection by the name of its program', async () => {
  await using victim = await startVictim(['unshare', '--mount', 'sleep', '77005'])
  await until(() => withArgument('77005').some(({ name }) => name === 'sleep'))
  const { exePath } = identityOf(victim.pid)
  await using context = await openTestContext({ protectedPrograms: [exePath] })
  await using host = await startVictim(['sleep', '77006'])

  const answers = await Promise.all(
    [victim, host].map(({ pid }, index) =>
      executeVerdict(order('kill_process', identityOf(pid), { id: String(index) }), context),
    ),
  )
  expect(answers.map(({ status }) => status)).toEqual(['done', 'refused'])
})

test('a protected program is refused, and spared inside the tree of another', async () => {
  await using context = await openTestContext()
  const daemon = join(context.dataDir, 'daemon')
  copyFileSync('/bin/sleep', daemon)
  await using guarded = await openTestContext({ protectedPrograms: [daemon] })
  await using victim = await startVictim(['sh', '-c', `${daemon} 77004 & sleep 77004 & wait`])
  await until(() => withArgument('77004').length === 2)
  const tree = { parameters: { scope: 'tree' } }

  const [spared] = withArgument('77004').filter(({ name }) => name === 'daemon')
  const refusal = await executeVerdict(
    order('kill_process', identityOf(spared?.pid ?? 0), { ...tree, id: 'a' }),
    guarded,
  )
  expect(refusal).toMatchObject({ status: 'refused' })
  const answer = await executeVerdict(order('kill_process', victim.identity, tree), guarded)
  expect(answer.detail).toContain(`left alone: daemon (${spared?.pid}): ${daemon} is protected`)
  expect(withArgument('77004')).toMatchObject([{ name: 'daemon' }])
})
