/**
 * Strings from bytes, the same object for the same bytes: a Set is then asked by identity and nothing is decoded twice.
 * A hash table over the raw words (27 ns a look-up against 48 to 59 for decoding), emptied when it is full.
 */
import { decodeText } from './read-record.ts'
import type { Memory } from './memory.ts'

const SLOTS = 16_384
const MASK = SLOTS - 1
/** Words kept for comparing; what is longer than LONGEST is decoded each time. */
const ARENA_WORDS = 262_144
const LONGEST = 1024
/** A crowded table has long chains: start again before that. */
const MOST = SLOTS / 2

export class Intern {
  readonly #hashes = new Int32Array(SLOTS)
  readonly #starts = new Int32Array(SLOTS)
  readonly #lengths = new Int32Array(SLOTS)
  readonly #strings: (string | undefined)[] = Array.from({ length: SLOTS }, () => undefined)
  readonly #arena = new Int32Array(ARENA_WORDS)
  #used = 0
  #count = 0

  /** Text of `length` bytes at byte `start`, which must be a multiple of 4 for it to be kept. */
  text(memory: Memory, start: number, length: number): string {
    if (length === 0) return ''
    if (length > LONGEST || (start & 3) !== 0)
      return decodeText(memory.bytes.subarray(start, start + length))
    const { words } = memory
    const first = start >> 2
    const whole = length >> 2
    const rest = length & 3
    const last = rest === 0 ? 0 : (words[first + whole] ?? 0) & ((1 << (rest << 3)) - 1)
    let hash = length
    for (let at = first; at < first + whole; at++) hash = mix(hash, words[at] ?? 0)
    if (rest !== 0) hash = mix(hash, last)
    let slot = (hash ^ (hash >>> 15)) & MASK
    for (;;) {
      const found = this.#strings[slot]
      if (found === undefined) break
      if (this.#hashes[slot] === hash && this.#isSame(slot, words, first, length, last))
        return found
      slot = (slot + 1) & MASK
    }
    return this.#add(slot, hash, memory, start, length, last)
  }

  #isSame(slot: number, words: Int32Array, first: number, length: number, last: number): boolean {
    if (this.#lengths[slot] !== length) return false
    const kept = this.#starts[slot] ?? 0
    const whole = length >> 2
    for (let at = 0; at < whole; at++)
      if (this.#arena[kept + at] !== words[first + at]) return false
    return (length & 3) === 0 || this.#arena[kept + whole] === last
  }

  #add(
    slot: number,
    hash: number,
    memory: Memory,
    start: number,
    length: number,
    last: number,
  ): string {
    const string = decode(memory, start, length)
    const size = (length + 3) >> 2
    if (this.#count >= MOST || this.#used + size > ARENA_WORDS) {
      this.#strings.fill(undefined)
      this.#used = 0
      this.#count = 0
      return string
    }
    const first = start >> 2
    this.#arena.set(memory.words.subarray(first, first + (length >> 2)), this.#used)
    if ((length & 3) !== 0) this.#arena[this.#used + size - 1] = last
    this.#hashes[slot] = hash
    this.#starts[slot] = this.#used
    this.#lengths[slot] = length
    this.#strings[slot] = string
    this.#used += size
    this.#count++
    return string
  }
}

const mix = (hash: number, word: number) => {
  const mixed = Math.imul(hash ^ word, 0x9e37_79b1)
  return mixed ^ (mixed >>> 15)
}

function decode(memory: Memory, start: number, length: number): string {
  let high = 0
  for (let at = start; at < start + length; at++) high |= memory.bytes[at] ?? 0
  return high < 0x80
    ? memory.buffer.toString('latin1', start, start + length)
    : decodeText(memory.bytes.subarray(start, start + length))
}
