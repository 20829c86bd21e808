import { expect, test } from '@jest/globals'
import { encode } from '../events/encode.ts'
import { readRecord } from '../events/read-record.ts'
import { testState } from '../fields/testing.ts'
import type { ContainerFacts } from '../state/container.ts'
import type { Connections } from './connections.ts'
import { Identity } from './identity.ts'

const id = 'ab'.repeat(32)

/** Records of one container on a node whose runtime answers that it has none, until told otherwise. */
function identifying(waitMs: number) {
  const clock = { nowMs: 0 }
  const state = testState()
  const known: ContainerFacts[] = []
  const connections: Pick<
    Connections,
    'check' | 'lookUp' | 'haveAllAnswered' | 'degraded' | 'stop'
  > = {
    check: () => Promise.resolve(),
    lookUp(_ids, found) {
      for (const facts of known) found(facts)
      return Promise.resolve()
    },
    haveAllAnswered: true,
    degraded: () => [],
    stop: () => undefined,
  }
  const delivered: number[] = []
  const identity = new Identity({
    state,
    connections,
    pods: undefined,
    strikes: undefined,
    deliver: ({ pid }) => delivered.push(pid),
    send: () => undefined,
    holdMs: 60_000,
    // Nothing can be held, so every container is late at once.
    holdBytes: 0,
    suspended: { waitMs },
    nowMs: () => clock.nowMs,
  })
  const exec = { event: 'execve', pid: 7, startTimeNs: 7n, parameters: { res: 0, comm: 'x', cgroups: [`/docker/${id}`] } } as const // prettier-ignore
  identity.onRecord(readRecord(encode(exec)))
  const [container] = state.containers
  if (container === undefined) throw new Error('no container')
  const tick = (times: number) => Array.from({ length: times }, () => identity.tick())
  return { identity, clock, container, delivered, known, tick }
}

const judgement = () => ({ bytes: 1, again: () => [] })
const facts: ContainerFacts = Object.assign(Object.create(null), { id, name: 'web' })

test('a container that was judged late is no degraded state: not when nothing hung on it, nor when it was judged again', async () => {
  const { identity, container, delivered, tick } = identifying(60_000)
  expect(delivered).toEqual([7])
  expect(identity.held).toMatchObject({ late: 1, suspended: 0 })
  tick(1)
  expect(identity.degraded()).toEqual([])
  identity.suspend(container, judgement)
  expect(identity.degraded()).toEqual([])
  container.facts = facts
  tick(1)
  expect(container.isPending).toBe(false)
  expect(identity.held).toMatchObject({ suspended: 1, judgedAgain: 1, dropped: 0 })
  expect(identity.degraded()).toEqual([])
  await identity.stop()
})

test('a runtime that tells only after it was taken for one that has none has its rules judged all the same', async () => {
  const { identity, clock, container, known } = identifying(60_000)
  identity.suspend(container, judgement)
  clock.nowMs = 5001
  while (container.isPending) await new Promise((resolve) => setTimeout(resolve, 5))
  expect(identity.held.judgedAgain).toBe(0)
  known.push(facts)
  clock.nowMs = 20_000
  while (container.facts === undefined) await new Promise((resolve) => setTimeout(resolve, 5))
  expect(identity.held).toMatchObject({ judgedAgain: 1, dropped: 0 })
  await identity.stop()
})

test('what nobody told in time shows as degraded for a minute or two, and then as a count alone', async () => {
  const { identity, clock, container, tick } = identifying(1000)
  identity.suspend(container, judgement)
  clock.nowMs = 2000
  tick(1)
  const sentence = /^1 events were judged without what their container is, and not again/
  expect(identity.degraded()).toEqual([expect.stringMatching(sentence)])
  tick(58)
  expect(identity.degraded()).toEqual([expect.stringMatching(sentence)])
  tick(61)
  expect(identity.degraded()).toEqual([])
  expect(identity.held.dropped).toBe(1)
  await identity.stop()
})
