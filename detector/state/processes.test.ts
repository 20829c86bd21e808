import { expect, test } from '@jest/globals'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { encode } from '../events/encode.ts'
import { createEvent } from '../events/event.ts'
import { memoryOf } from '../events/memory.ts'
import { RecordView } from '../events/record-view.ts'
import { HEADER_BYTES, events, header } from '../events/schema.ts'
import { testState } from '../fields/testing.ts'
import { apply } from './apply.ts'
import { MAX_LINEAGE, ProcessTable } from './processes.ts'

const SECOND = 1_000_000_000n

test('live processes are never evicted: at the limit a new one is refused, and counted', () => {
  const table = new ProcessTable({ limit: 3 })
  for (let pid = 1; pid <= 5; pid++) table.enter(pid, BigInt(pid), 0n).name = `p${pid}`
  expect(table.counts).toMatchObject({ live: 3, refused: 2 })
  expect([1, 2, 3, 4, 5].map((pid) => table.current(pid)?.name)).toEqual([
    'p1',
    'p2',
    'p3',
    undefined,
    undefined,
  ])
  const [first] = table.live()
  if (first !== undefined) table.exit(first, 1n)
  expect(table.enter(6, 6n, 2n)).toBe(table.find(6, 6n))
})

test('exited processes go when their grace is over, or earlier and counted when there are too many', () => {
  const table = new ProcessTable({ exitedLimit: 2, graceNs: 10n })
  for (let pid = 1; pid <= 3; pid++) table.exit(table.enter(pid, 1n, 0n), 5n)
  expect(table.counts).toMatchObject({ live: 0, exited: 2, evicted: 1 })
  table.exit(table.enter(4, 1n, 20n), 20n)
  expect(table.counts).toMatchObject({ exited: 1, evicted: 1 })
  expect(table.find(3, 1n)).toBeUndefined()
})

test('a start that /proc cut to ticks is the same as the exact one', () => {
  const table = new ProcessTable()
  const learned = table.enter(5, 1_230_000_000n, 0n)
  expect(table.find(5, 1_234_567_890n)).toBe(learned)
  expect(learned.startTimeNs).toBe(1_234_567_890n)
  expect(table.find(5, 1_239_999_999n)).toBeUndefined()
})

test('what /proc no longer has is ended; what began after it was listed is not', () => {
  const table = new ProcessTable({ graceNs: SECOND })
  const gone = table.enter(1, 1n, 0n)
  const young = table.enter(2, 100n * SECOND, 0n)
  table.reconcile(new Set(), 100n * SECOND)
  expect([gone.exitedNs, young.exitedNs]).toEqual([100n * SECOND, undefined])
  expect(table.counts.missedExits).toBe(1)
})

test('a lineage of exited processes keeps its nearest and its living members only', () => {
  const table = new ProcessTable()
  const init = table.enter(1, 1n, 0n)
  let last = init
  for (let pid = 2; pid < 1000; pid++) {
    const child = table.enter(pid, BigInt(pid), 0n)
    table.adopt(child, last)
    if (last !== init) table.exit(last, BigInt(pid))
    last = child
  }
  expect(last.depth).toBeLessThanOrEqual(MAX_LINEAGE)
  expect(last.depth).toBeGreaterThanOrEqual(MAX_LINEAGE / 2)
  const pids: number[] = []
  for (let above = last.parent; above !== undefined; above = above.parent) pids.push(above.pid)
  expect(pids.slice(0, 3)).toEqual([998, 997, 996])
  expect(pids.at(-1)).toBe(1)
})

test('a process is never its own ancestor', () => {
  const table = new ProcessTable()
  const [a, b] = [table.enter(1, 1n, 0n), table.enter(2, 2n, 0n)]
  table.adopt(b, a)
  table.adopt(a, b)
  expect(a.parent).toBeUndefined()
})

test('a million short processes leave the table and the memory flat', () => {
  const state = testState()
  const shell = { pid: 1, startTimeNs: 1n, timeNs: 1n } as const
  const clone = encode({
    event: 'clone',
    ...shell,
    parameters: { res: 2, child_pid: 2, child_start: 2n },
  })
  const exec = encode({
    event: 'execve',
    pid: 2,
    parentPid: 1,
    parameters: {
      res: 0,
      comm: 'true',
      args: ['-a', 'b'],
      env: ['PATH=/bin', 'HOME=/root'],
      cwd: '/',
    },
  })
  const exit = encode({ event: 'procexit', pid: 2 })
  const records = [clone, exec, exit].map((bytes) => ({
    isClone: bytes === clone,
    memory: memoryOf(new Uint8Array(bytes).buffer),
  }))
  const [pidSlot, startSlot] = [slotOf('child_pid'), slotOf('child_start')]
  const sh = encode({ event: 'execve', ...shell, parameters: { res: 0, comm: 'sh' } })
  const view = new RecordView(memoryOf(new Uint8Array(sh).buffer))
  view.point(memoryOf(new Uint8Array(sh).buffer), 0)
  const event = createEvent(view, state)
  apply(event)

  const run = (from: number, to: number) => {
    for (let count = from; count < to; count++) {
      const [pid, start] = [2 + (count % 30_000), BigInt(count + 2) * 1000n]
      for (const { isClone, memory } of records) {
        if (isClone) {
          memory.longs[pidSlot >> 3] = BigInt(pid)
          memory.longs[startSlot >> 3] = start
        } else {
          memory.words[header.pid >> 2] = pid
          memory.words[header.tid >> 2] = pid
          memory.longs[header.startTimeNs >> 3] = start
        }
        memory.longs[header.timeNs >> 3] = start
        view.point(memory, 0)
        apply(event)
      }
    }
  }
  run(0, 200_000)
  const before = heapAfterCollection()
  run(200_000, 1_000_000)
  const grown = heapAfterCollection() - before

  expect(state.processes.counts.live).toBe(1)
  expect(state.processes.counts.exited).toBeLessThanOrEqual(16_384)
  expect(state.processes.counts.refused).toBe(0)
  expect(grown).toBeLessThan(4 * 1024 * 1024)
}, 300_000)

const slotOf = (name: string) =>
  HEADER_BYTES +
  8 *
    (events.find((row) => row.name === 'clone')?.parameters ?? []).findIndex((p) => p.name === name)

function heapAfterCollection(): number {
  setFlagsFromString('--expose-gc')
  runInNewContext('gc')()
  return process.memoryUsage().heapUsed
}
