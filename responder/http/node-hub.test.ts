import { expect, test } from '@jest/globals'
import { noPods } from '../../contract/protected-pods.ts'
import type { Answer, Verdict } from '../../contract/verdict.ts'
import { NodeHub } from './node-hub.ts'

const verdict = (changes: Partial<Verdict> = {}): Verdict => ({
  id: 's1',
  operation: 'run',
  action: 'freeze',
  parameters: {},
  bootId: 'boot',
  process: null,
  place: null,
  fields: {},
  effect: null,
  deadlineMs: Date.now() + 60_000,
  ...changes,
})

const answer: Answer = {
  id: 's1',
  operation: 'run',
  status: 'done',
  detail: 'frozen',
  effect: null,
  isRetryable: false,
  finishedMs: 0,
}

const poll = (hub: NodeHub, waitMs = 0) => hub.orders('a', '', waitMs, new AbortController().signal)

test('an order wakes the poll that waits, is handed out once, and its answer arrives', async () => {
  const hub = new NodeHub()
  await poll(hub)
  const waiting = poll(hub, 60_000)
  const asked = hub.ask('a', verdict())
  expect((await waiting).verdicts).toHaveLength(1)
  expect((await poll(hub)).verdicts).toHaveLength(0)
  expect(hub.answer('a', { ...answer, operation: 'plan' })).toBe(false)
  expect(hub.answer('a', answer)).toBe(true)
  expect(await asked).toBe(answer)
  expect(hub.answer('a', answer)).toBe(false)
})

test('orders that never reached the node are handed out again', async () => {
  const hub = new NodeHub()
  const asked = hub.ask('a', verdict())
  const lost = await poll(hub)
  hub.takeBack('a', lost)
  expect((await poll(hub)).verdicts).toEqual(lost.verdicts)
  hub.answer('a', answer)
  await asked
})

test('a node that does not answer by the deadline, or when the step is given up, is unavailable', async () => {
  const hub = new NodeHub()
  await expect(hub.ask('a', verdict({ deadlineMs: Date.now() + 20 }))).rejects.toMatchObject({
    code: 'node_unavailable',
    retryable: true,
  })
  const signal = AbortSignal.timeout(20)
  await expect(hub.ask('a', verdict(), signal)).rejects.toMatchObject({ code: 'node_unavailable' })
  expect((await poll(hub)).verdicts).toEqual([])
})

test('new strikes and a turned kill switch wake every node, and are told once', async () => {
  const hub = new NodeHub()
  await poll(hub)
  const waiting = poll(hub, 60_000)
  hub.setStrikes({ generation: 'g2', orders: [], protectedPods: noPods })
  expect((await waiting).strikes.generation).toBe('g2')
  const { signal } = new AbortController()
  const held = hub.orders('a', 'g2', 60_000, signal)
  hub.setKillSwitch(true)
  expect((await held).killSwitch).toBe(true)
  const idle = await hub.orders('a', 'g2', 20, signal)
  expect(idle).toMatchObject({ verdicts: [], killSwitch: true })
})

test('what waits for one node is bounded', async () => {
  const hub = new NodeHub()
  const asked = Array.from({ length: 1000 }, (_, index) =>
    hub.ask('a', verdict({ id: `s${index}` })),
  )
  await expect(hub.ask('a', verdict({ id: 'more' }))).rejects.toMatchObject({
    code: 'node_unavailable',
  })
  hub.close()
  const ends = await Promise.allSettled(asked)
  expect(ends.every(({ status }) => status === 'rejected')).toBe(true)
})
