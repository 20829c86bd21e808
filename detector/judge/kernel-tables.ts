/** The judge's maps: a new set of rules is written beside the one in force, then made current by one store. */
import { randomBytes } from 'node:crypto'
import type { BpfObject } from '../native.ts'
import { entryKinds } from './atoms.ts'
import {
  hashOf,
  kindNumber,
  powersOf,
  profileBytes,
  slotsOf,
  textKey,
  vocabularyBytes,
} from './layout.ts'
import { MAX_VOCABULARIES, type Tables, type TableText, type Verdict } from './tables.ts'

const EVENTS = 128
const SLOTS = 16_384
const ENDS = 257
const PROFILES = 256
const LONGEST_PATH = 256

export interface KernelTables {
  /** Of the tables in force; 0 before the first. */
  readonly generation: number
  load(tables: Tables): void
}

export function openTables(object: BpfObject): KernelTables {
  const bss = variablesOf(object)
  const generation = bss.words('judge_generation')
  const verdicts = bss.words('judge_events')
  const kinds = bss.halfWords('judge_kinds')
  const ends = bss.bytes('judge_ends')
  const seed = drawSeed(bss.words('judge_seed'))
  const powers = powersOf(seed, LONGEST_PATH)
  bss.words('judge_powers').set(new Uint32Array(powers.buffer))
  const written: [Uint8Array[], Uint8Array[]] = [[], []]

  function load(tables: Tables): void {
    const next = (generation[0] ?? 0) + 1
    const half = next & 1
    for (const key of written[half === 0 ? 0 : 1].splice(0)) object.delete('judge_texts', key)
    kinds.fill(0, half * SLOTS, (half + 1) * SLOTS)
    ends.fill(0, half * 2 * ENDS, (half + 1) * 2 * ENDS)
    for (const text of tables.texts) {
      const key = textKey(half, text)
      object.update('judge_texts', key, u64(text.mask))
      written[half === 0 ? 0 : 1].push(key)
      announce(half, text)
    }
    tables.vocabularies.forEach((vocabulary, index) => {
      const place = half * MAX_VOCABULARIES + index
      object.update('judge_vocabularies', u32(place), vocabularyBytes(vocabulary))
      vocabulary.profiles.forEach((profile, flags) => {
        object.update('judge_profiles', u32(place * PROFILES + flags), profileBytes(profile))
      })
    })
    tables.events.forEach((verdict, event) => {
      verdicts[half * EVENTS + event] = verdictWord(verdict)
    })
    Atomics.store(generation, 0, next)
  }

  /** So that a walk looks up only what may be there. */
  function announce(half: number, { kind, text }: TableText): void {
    for (const slot of slotsOf(seed, hashOf(seed, text))) {
      const at = half * SLOTS + slot
      kinds[at] = (kinds[at] ?? 0) | (1 << kindNumber(kind))
    }
    const column = kind === 'under' ? 0 : beginnings.has(kind) ? 1 : undefined
    if (column !== undefined) ends[(half * 2 + column) * ENDS + Buffer.byteLength(text)] = 1
  }

  return {
    get generation() {
      return Atomics.load(generation, 0)
    },
    load,
  }
}

const beginnings: ReadonlySet<string> = new Set(
  entryKinds.filter((kind) => kind === 'name_start' || kind === 'exe_start'),
)

function verdictWord(verdict: Verdict): number {
  if (verdict === 'keep') return 0
  return verdict === 'drop' ? 1 : 2 | (verdict.vocabulary << 8)
}

/** Drawn anew for each start, or somebody could prepare names that all look known. */
function drawSeed(words: Uint32Array): bigint {
  const drawn = randomBytes(8).readBigUInt64LE(0) | 1n
  words.set([Number(drawn & 0xffff_ffffn), Number(drawn >> 32n)])
  return drawn
}

export interface Variables {
  words(name: string): Uint32Array
  halfWords(name: string): Uint16Array
  bytes(name: string): Uint8Array
}

/** The object's variables in the memory that it shares with the kernel. */
export function variablesOf(object: BpfObject): Variables {
  const shapes = object.variables()
  const memories = new Map<string, ArrayBuffer>()
  function find(name: string) {
    const shape = shapes[name]
    if (shape === undefined) throw new Error(`riposte.bpf.o has no variable ${name}; run make`)
    const memory = memories.get(shape.map) ?? object.memory(shape.map)
    memories.set(shape.map, memory)
    return { memory, ...shape }
  }
  return {
    words(name) {
      const { memory, offset, bytes } = find(name)
      return new Uint32Array(memory, offset, bytes / 4)
    },
    halfWords(name) {
      const { memory, offset, bytes } = find(name)
      return new Uint16Array(memory, offset, bytes / 2)
    },
    bytes(name) {
      const { memory, offset, bytes } = find(name)
      return new Uint8Array(memory, offset, bytes)
    },
  }
}

export const u32 = (value: number) => new Uint8Array(Uint32Array.of(value).buffer)
const u64 = (value: bigint) => new Uint8Array(BigUint64Array.of(value).buffer)
