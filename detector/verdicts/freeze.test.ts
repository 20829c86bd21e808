import { expect, test } from '@jest/globals'
import { findCgroupTrees } from './cgroups.ts'
import { executeVerdict } from './execute.ts'
import { freezableOf, isFrozen, setFrozen } from './freezer.ts'
import { readStat, running } from './proc.ts'
import {
  hostPlace,
  makeCgroup,
  openTestContext,
  order,
  startVictim,
  testScope,
  until,
  withArgument,
} from './testing.ts'

const { unified, freezer } = findCgroupTrees()
const onUnified = unified === undefined ? test.skip : test
const onV1 = freezer === undefined ? test.skip : test

const stateOf = (pid: number) => readStat(pid)?.state
const children = (pid: number) => running().filter(({ parentPid }) => parentPid === pid)

test('a tree stands still, and undo moves again exactly what the freeze had stopped', async () => {
  await using context = await openTestContext()
  await using victim = await startVictim(['sh', '-c', 'sleep 77101 & sleep 77101 & wait'])
  await until(() => withArgument('77101').length === 2)
  const [stoppedBefore, moving] = withArgument('77101')
  process.kill(stoppedBefore?.pid ?? 0, 'SIGSTOP')
  await until(() => stateOf(stoppedBefore?.pid ?? 0) === 'T')

  const answer = await executeVerdict(order('freeze', victim.identity), context)
  expect(answer.detail).toBe(`froze 2 processes: sh (${victim.pid}), sleep (${moving?.pid})`)
  const verify = order('freeze', victim.identity, { operation: 'verify', effect: answer.effect })
  expect(await executeVerdict(verify, context)).toMatchObject({ status: 'done' })
  expect([victim.pid, moving?.pid ?? 0].map(stateOf)).toEqual(['T', 'T'])

  await executeVerdict(
    order('freeze', victim.identity, { operation: 'undo', effect: answer.effect }),
    context,
  )
  await until(() => stateOf(victim.pid) === 'S' && stateOf(moving?.pid ?? 0) === 'S')
  expect(stateOf(stoppedBefore?.pid ?? 0)).toBe('T')
})

test('a tree that forks while it is frozen does not grow any more', async () => {
  await using context = await openTestContext()
  const bomb = 'for i in $(seq 2000); do sleep 77102 & done; wait'
  await using victim = await startVictim(['sh', '-c', bomb])
  await until(() => children(victim.pid).length > 20)
  await executeVerdict(order('freeze', victim.identity), context)

  const frozen = children(victim.pid)
  expect(frozen.map(({ state }) => state)).toEqual(frozen.map(() => 'T'))
  expect(stateOf(victim.pid)).toBe('T')
})

test('a tree that was frozen already is left as it was', async () => {
  await using context = await openTestContext()
  await using victim = await startVictim(['sleep', '1000'])
  process.kill(victim.pid, 'SIGSTOP')
  await until(() => stateOf(victim.pid) === 'T')
  const plan = await executeVerdict(
    order('freeze', victim.identity, { operation: 'plan' }),
    context,
  )
  expect(plan).toMatchObject({ status: 'already_done', effect: null })
})

onUnified('a container is frozen whole by the freezer of cgroup v2, and thawed', async () => {
  await using context = await openTestContext()
  await using victim = await startVictim(['sleep', '1000'])
  using container = makeCgroup(unified ?? '')
  container.add(victim.pid)
  const frozen = order('freeze', victim.identity, {
    parameters: { scope: 'container' },
    place: hostPlace(container.id),
  })
  const answer = await executeVerdict(frozen, context)
  expect(answer).toMatchObject({ status: 'done', detail: `froze ${container.directory}` })
  const cgroup = { tree: 'unified', directory: container.directory, id: container.id } as const
  expect(isFrozen(cgroup)).toBe(true)
  const again = { ...frozen, id: 'step-2', operation: 'plan' as const }
  expect(await executeVerdict(again, context)).toMatchObject({ status: 'already_done' })

  await executeVerdict({ ...frozen, operation: 'undo', effect: answer.effect }, context)
  await until(() => !isFrozen(cgroup))
})

onV1('where only the v1 freezer tells containers apart, that one freezes', async () => {
  await using context = await openTestContext()
  await using victim = await startVictim(['sleep', '1000'])
  using container = makeCgroup(freezer ?? '')
  container.add(victim.pid)
  const cgroup = { tree: 'freezer', directory: container.directory, id: container.id } as const
  const frozen = order('freeze', victim.identity, { parameters: { scope: 'container' } })
  try {
    expect(freezableOf(null, victim.pid, testScope())).toEqual(cgroup)
    const answer = await executeVerdict(frozen, context)
    expect(answer).toMatchObject({ status: 'done', detail: `froze ${container.directory}` })
    expect(isFrozen(cgroup)).toBe(true)

    await executeVerdict({ ...frozen, operation: 'undo', effect: answer.effect }, context)
    await until(() => !isFrozen(cgroup))
  } finally {
    setFrozen(cgroup, false)
  }
})

onUnified('a container with a protected process in it is not frozen', async () => {
  await using victim = await startVictim(['sleep', '1000'])
  await using context = await openTestContext({ protectedPrograms: [victim.identity.exePath] })
  await using other = await startVictim(['cat'])
  using container = makeCgroup(unified ?? '')
  container.add(victim.pid)
  container.add(other.pid)
  const frozen = order('freeze', other.identity, {
    parameters: { scope: 'container' },
    place: hostPlace(container.id),
  })
  expect(await executeVerdict(frozen, context)).toMatchObject({ status: 'refused' })
})
