/**
 * A BPF ring buffer read in place (kernel/bpf/ringbuf.c): the kernel moves the producer position, we the consumer's.
 * A record is a word of length and state, a word for the kernel, then its bytes; the mapping holds them twice in a
 * row, so that none is torn at the end.
 */
import { type Memory, memoryOf } from '../events/memory.ts'
import type { RingMemory } from '../native.ts'

const BUSY = 0x8000_0000
const DISCARDED = 0x4000_0000
const RECORD_HEADER = 8

export class Ring {
  readonly memory: Memory
  readonly #consumer: Int32Array
  readonly #consumerLong: BigInt64Array
  readonly #produced: Int32Array
  readonly #words: Int32Array
  readonly #pageBytes: number
  readonly #mask: number
  /** Positions count bytes for ever; as numbers they are exact for nine petabytes. */
  #position: number
  #limit: number

  constructor({ consumer, producer, pageBytes }: RingMemory) {
    this.memory = memoryOf(producer)
    this.#words = this.memory.words
    this.#consumer = new Int32Array(consumer)
    this.#consumerLong = new BigInt64Array(consumer)
    this.#produced = new Int32Array(producer, 0, 2)
    this.#pageBytes = pageBytes
    this.#mask = (producer.byteLength - pageBytes) / 2 - 1
    this.#position = Number(Atomics.load(this.#consumerLong, 0))
    this.#limit = this.#position
  }

  /** Looks how far the kernel has come; `head` gives nothing beyond. True when there is something to read. */
  refresh(): boolean {
    const produced = Atomics.load(this.#produced, 0) >>> 0
    const unread = (produced - (this.#position % 0x1_0000_0000)) >>> 0
    this.#limit = this.#position + unread
    return unread > 0
  }

  /** Byte offset in `memory` of the oldest unread record, 0 when there is none (or its writer is not done). */
  head(): number {
    while (this.#position < this.#limit) {
      const offset = this.#pageBytes + (this.#position & this.#mask)
      const state = Atomics.load(this.#words, offset >> 2)
      if ((state & BUSY) !== 0) return 0
      if ((state & DISCARDED) === 0) return offset + RECORD_HEADER
      this.#skip(state)
    }
    return 0
  }

  /** Gives the record at the head back to the kernel: its bytes may change from here on. */
  advance(): void {
    this.#skip(this.#words[(this.#pageBytes + (this.#position & this.#mask)) >> 2] ?? 0)
  }

  #skip(state: number): void {
    const length = state & ~(BUSY | DISCARDED)
    const before = this.#position
    this.#position += (length + RECORD_HEADER + 7) & ~7
    // The low word alone is enough, and allocates nothing, unless it overflows into the high one.
    if (Math.floor(before / 0x1_0000_0000) === Math.floor(this.#position / 0x1_0000_0000))
      Atomics.store(this.#consumer, 0, this.#position | 0)
    else Atomics.store(this.#consumerLong, 0, BigInt(this.#position))
  }
}
