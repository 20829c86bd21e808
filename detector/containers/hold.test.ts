import { expect, jest, test } from '@jest/globals'
import { type RecordSource, encode } from '../events/encode.ts'
import { createEvent } from '../events/event.ts'
import { memoryOf } from '../events/memory.ts'
import { recordFlags } from '../events/schema.ts'
import { RecordView } from '../events/record-view.ts'
import { testState } from '../fields/testing.ts'
import { apply } from '../state/apply.ts'
import { Hold } from './hold.ts'

const id = 'ab'.repeat(32)
const other = 'cd'.repeat(32)

const exec = (pid: number, container: string | undefined, comm = 'x'): RecordSource => ({
  event: 'execve',
  pid,
  parentPid: 1,
  startTimeNs: BigInt(pid),
  parameters: { res: 0, comm, cgroups: [container === undefined ? '/' : `/docker/${container}`] },
})
const fork = (pid: number, child: number): RecordSource => ({
  event: 'clone',
  pid,
  startTimeNs: BigInt(pid),
  parameters: { res: child, child_pid: child, child_start: BigInt(child) },
})
const open = (pid: number, name: string): RecordSource => ({
  event: 'openat',
  pid,
  startTimeNs: BigInt(pid),
  parameters: { fd: 3, dirfd: -100, name, path: name },
})

/** Records come through one view over one memory, as from a ring: what is not copied is overwritten. */
function holding(options: { holdMs?: number; holdBytes?: number } = {}) {
  const state = testState()
  state.containers.onNew = () => undefined
  const memory = memoryOf(new ArrayBuffer(4096))
  const view = new RecordView(memory)
  const event = createEvent(view, state)
  const judged: string[] = []
  const hold = new Hold({
    state,
    holdMs: options.holdMs ?? 60_000,
    holdBytes: options.holdBytes ?? 1 << 20,
    deliver(record) {
      event.view = record
      apply(event)
      judged.push(`${record.pid} ${event.process?.name} ${event.process?.container?.facts?.name}`)
    },
  })
  const send = (record: RecordSource) => {
    memory.bytes.fill(0)
    memory.bytes.set(encode(record))
    view.point(memory, 0)
    hold.onRecord(view)
  }
  const tell = (full: string, name: string) => {
    const container = state.containers.enter({ id: full.slice(0, 12), fullId: full })
    if (container === undefined) throw new Error('no container')
    container.facts = Object.assign(Object.create(null), { name })
    state.containers.settle(container)
    hold.settle(container)
  }
  return { hold, judged, send, tell }
}

test('what a container and its children do before it is known comes in order once it is, others do not wait', () => {
  const { hold, judged, send, tell } = holding()
  send(exec(10, id, 'sh'))
  send(fork(10, 11))
  send(open(11, '/a'))
  send(exec(20, undefined, 'host'))
  send(open(20, '/b'))
  send(exec(30, other, 'late'))
  expect(judged).toEqual(['20 host undefined', '20 host undefined'])
  tell(id, 'web')
  expect(judged.slice(2)).toEqual(['10 sh web', '10 sh web', '11 sh web'])
  send(open(11, '/c'))
  expect(judged.at(-1)).toBe('11 sh web')
  tell(other, 'db')
  expect(judged.at(-1)).toBe('30 late db')
  expect(hold.bytes).toBe(0)
})

test('a container that nobody tells of is let go when its time is up, and waits no more', () => {
  jest.useFakeTimers()
  const { hold, judged, send } = holding({ holdMs: 250 })
  send(exec(10, id))
  jest.advanceTimersByTime(249)
  expect(judged).toEqual([])
  jest.advanceTimersByTime(1)
  expect(judged).toEqual(['10 x undefined'])
  send(open(10, '/a'))
  expect(judged.length).toBe(2)
  expect(hold.counts).toEqual({ records: 1, late: 1 })
  jest.useRealTimers()
})

test('a loop that stood still has not used up the time of what waits', async () => {
  const { judged, send } = holding({ holdMs: 100 })
  send(exec(10, id))
  const until = performance.now() + 150
  while (performance.now() < until);
  await new Promise((resolve) => setTimeout(resolve))
  // An answer that came meanwhile would have been read by now.
  expect(judged).toEqual([])
  while (judged.length === 0) await new Promise((resolve) => setTimeout(resolve, 5))
})

test('when too much waits the container that waits longest goes first', () => {
  const { hold, judged, send } = holding({ holdBytes: 6000 })
  send(exec(10, id))
  for (let more = 0; more < 12; more++) send(open(10, '/a'))
  expect(judged.length).toBeGreaterThan(5)
  expect(hold.bytes).toBeLessThanOrEqual(6000)
  hold.releaseAll()
  expect(judged.length).toBe(13)
})

test('what the scan at start tells waits for nobody, what the same process does afterwards waits', () => {
  const { judged, send, tell } = holding()
  const flags = recordFlags.scanned
  send({ ...exec(10, id, 'old'), flags })
  send({ ...open(10, '/a'), flags })
  expect(judged).toHaveLength(2)
  send(open(10, '/b'))
  expect(judged).toHaveLength(2)
  tell(id, 'web')
  expect(judged.slice(2)).toEqual(['10 old web'])
})

test('a process that waits stays in order wherever it goes, and so does a child whose birth was lost', () => {
  const { judged, send, tell } = holding()
  send(exec(10, id, 'sh'))
  send(exec(10, undefined, 'escaped'))
  send({ ...open(12, '/a'), parentPid: 10 })
  expect(judged).toEqual([])
  tell(id, 'web')
  expect(judged.slice(0, 2)).toEqual(['10 sh web', '10 escaped undefined'])
  expect(judged.length).toBe(3)
})

test('what waited for one container may be the first of another, and then waits for that', () => {
  const { judged, send, tell } = holding()
  send(exec(10, id, 'one'))
  send(exec(10, other, 'two'))
  tell(id, 'web')
  expect(judged).toEqual(['10 one web'])
  tell(other, 'db')
  expect(judged).toEqual(['10 one web', '10 two db'])
})

test('a container that was told in time is not late when its time is up', () => {
  jest.useFakeTimers()
  const { hold, send, tell } = holding({ holdMs: 250 })
  send(exec(10, id))
  tell(id, 'web')
  jest.advanceTimersByTime(250)
  expect(hold.counts.late).toBe(0)
  jest.useRealTimers()
})
