/** What reading an open's record costs: header, and its two names as interned strings. Prints one line. */
import { encode } from './encode.ts'
import { memoryOf } from './memory.ts'
import { readRecord } from './read-record.ts'
import { RecordView } from './record-view.ts'
import { indexes } from './parameter.ts'
import { events } from './schema.ts'

const RECORDS = 512
const ROUNDS = 4000
const openat = events.findIndex((row) => row.name === 'openat')
const name = indexes('name')[openat] ?? -1
const flags = indexes('flags')[openat] ?? -1

const records = Array.from({ length: RECORDS }, (_, index) =>
  encode({
    event: 'openat',
    pid: 1000 + index,
    parameters: { fd: 3, flags: 0, name: `/usr/lib/x86_64-linux-gnu/lib${index % 100}.so` },
  }),
)
const offsets: number[] = []
let end = 0
for (const bytes of records) {
  offsets.push(end)
  end += (bytes.length + 7) & ~7
}
const bytes = new Uint8Array(end)
for (const [index, record] of records.entries()) bytes.set(record, offsets[index])
const memory = memoryOf(bytes.buffer)
const view = new RecordView(memory)

function time(read: (offset: number, index: number) => number, rounds: number): number {
  let sum = 0
  const before = performance.now()
  for (let round = 0; round < rounds; round++)
    for (let index = 0; index < RECORDS; index++) sum += read(offsets[index] ?? 0, index)
  if (sum === 0) throw new Error('nothing was read')
  return ((performance.now() - before) * 1e6) / (rounds * RECORDS)
}

const point = (offset: number) => {
  view.point(memory, offset)
  return view.pid + (view.int(flags) ?? 0)
}
const pointAndText = (offset: number) => point(offset) + (view.text(name) ?? '').length
const plain = (_: number, index: number) =>
  (readRecord(records[index] ?? bytes).text(name) ?? '').length
for (const read of [point, pointAndText, plain]) time(read, 50)
const header = time(point, ROUNDS)
const text = time(pointAndText, ROUNDS)
const slow = time(plain, 100)
console.log(
  `view: header ${header.toFixed(0)} ns, with a name ${text.toFixed(0)} ns, plain reader ${slow.toFixed(0)} ns (x${(slow / text).toFixed(0)})`,
)
