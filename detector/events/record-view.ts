/** The view of the live rings: typed arrays, no allocation, interned strings. read-record.ts is its plain twin. */
import { Intern } from './intern.ts'
import { type Memory, memoryOf } from './memory.ts'
import { decodeText } from './read-record.ts'
import { events, header, HEADER_BYTES, TRUNCATED_BIT } from './schema.ts'
import { socketFrom } from './socket-bytes.ts'
import type { EventView, SocketTuple } from './view.ts'

/** Slots that any event may have; one byte for each of them says whether it is a scalar. */
const MOST_SLOTS = 64
const isScalar = new Uint8Array(events.length * MOST_SLOTS)
for (const [eventId, event] of events.entries())
  for (const [index, parameter] of event.parameters.entries())
    isScalar[eventId * MOST_SLOTS + index] = parameter.type === 'int' ? 1 : 0

/** Two words as one number: exact to 2^53. */
const join = (low: number, high: number) => high * 0x1_0000_0000 + (low >>> 0)

/** `point` it at a record, then read; the same bytes give the same string object. */
export class RecordView implements EventView {
  readonly #intern: Intern
  #memory: Memory
  /** Index in 4-byte words, and the event's row in `isScalar`. */
  #at = 0
  #row = 0
  eventId = 0

  constructor(memory: Memory, intern = new Intern()) {
    this.#memory = memory
    this.#intern = intern
  }

  /** `offset` in bytes, a multiple of 8. */
  point(memory: Memory, offset: number): void {
    this.#memory = memory
    this.#at = offset >> 2
    this.eventId = memory.halves[(offset + header.eventId) >> 1] ?? 0
    this.#row = this.eventId * MOST_SLOTS
  }

  get flags(): number {
    return this.#memory.halves[(this.#at << 1) + (header.flags >> 1)] ?? 0
  }
  get cpu(): number {
    return this.#memory.halves[(this.#at << 1) + (header.cpu >> 1)] ?? 0
  }
  get slots(): number {
    return this.#memory.halves[(this.#at << 1) + (header.slots >> 1)] ?? 0
  }
  get pid(): number {
    return this.#word(header.pid)
  }
  get tid(): number {
    return this.#word(header.tid)
  }
  get parentPid(): number {
    return this.#word(header.parentPid)
  }
  get userId(): number {
    return this.#word(header.userId)
  }
  get timeNs(): bigint {
    return this.#long(header.timeNs)
  }
  get cgroupId(): bigint {
    return BigInt.asUintN(64, this.#long(header.cgroupId))
  }
  get startTimeNs(): bigint {
    return this.#long(header.startTimeNs)
  }
  get strikes(): bigint {
    return BigInt.asUintN(64, this.#long(header.strikes))
  }

  int(parameter: number): number | undefined {
    if (isScalar[this.#row + parameter] !== 1 || parameter >= this.slots) return undefined
    const at = this.#slot(parameter)
    const low = this.#memory.words[at] ?? 0
    const high = this.#memory.words[at + 1] ?? 0
    return low === 0 && high === -0x8000_0000 ? undefined : join(low, high)
  }

  bigint(parameter: number): bigint | undefined {
    if (isScalar[this.#row + parameter] !== 1 || parameter >= this.slots) return undefined
    const value = this.#memory.longs[this.#slot(parameter) >> 1]
    return value === -0x8000_0000_0000_0000n ? undefined : value
  }

  text(parameter: number): string | undefined {
    const start = this.#start(parameter)
    if (start === 0) return undefined
    return this.#intern.text(this.#memory, start, this.#length(parameter))
  }

  list(parameter: number): readonly string[] | undefined {
    const bytes = this.#variable(parameter)
    if (bytes === undefined) return undefined
    return bytes.length === 0 ? [] : decodeText(bytes).split('\0')
  }

  bytes(parameter: number): Uint8Array | undefined {
    return this.#variable(parameter)?.slice()
  }

  socket(parameter: number): SocketTuple | undefined {
    const start = this.#start(parameter)
    if (start === 0) return undefined
    return socketFrom(this.#memory.bytes, start, this.#length(parameter))
  }

  isTruncated(parameter: number): boolean {
    return (
      isScalar[this.#row + parameter] === 0 &&
      parameter < this.slots &&
      ((this.#memory.words[this.#slot(parameter) + 1] ?? 0) & TRUNCATED_BIT) !== 0
    )
  }

  get byteLength(): number {
    let end = HEADER_BYTES + (this.slots << 3)
    for (let parameter = 0; parameter < this.slots; parameter++) {
      const start = this.#start(parameter)
      if (start > 0) end = Math.max(end, start - (this.#at << 2) + this.#length(parameter))
    }
    return end
  }

  keep(): RecordView {
    const start = this.#at << 2
    const bytes = this.byteLength
    const copy = memoryOf(new ArrayBuffer((bytes + 7) & ~7))
    copy.bytes.set(this.#memory.bytes.subarray(start, start + bytes))
    const kept = new RecordView(copy, this.#intern)
    kept.point(copy, 0)
    return kept
  }

  #slot(parameter: number): number {
    return this.#at + (HEADER_BYTES >> 2) + (parameter << 1)
  }

  /** Where a variable parameter's bytes begin in the memory; 0 when it is missing. */
  #start(parameter: number): number {
    if (isScalar[this.#row + parameter] !== 0 || parameter >= this.slots) return 0
    const offset = this.#memory.words[this.#slot(parameter)] ?? 0
    return offset === 0 ? 0 : (this.#at << 2) + offset
  }

  #length(parameter: number): number {
    return (this.#memory.words[this.#slot(parameter) + 1] ?? 0) & ~TRUNCATED_BIT
  }

  #variable(parameter: number): Uint8Array | undefined {
    const start = this.#start(parameter)
    if (start === 0) return undefined
    return this.#memory.bytes.subarray(start, start + this.#length(parameter))
  }

  #word(offset: number): number {
    return (this.#memory.words[this.#at + (offset >> 2)] ?? 0) >>> 0
  }

  #long(offset: number): bigint {
    return this.#memory.longs[(this.#at >> 1) + (offset >> 3)] ?? 0n
  }
}
