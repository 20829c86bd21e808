/** Atoms get their bits: paths per vocabulary (a group of events with the same clauses), programs once for all. */
import {
  FIRST_PATH_BIT,
  FIRST_SET_BIT,
  flags,
  levels,
  setKey,
  traits,
  type Entry,
  type EntryKind,
  type Level,
} from './atoms.ts'
import type { Clause } from './clauses.ts'
import type { Literal } from './formula.ts'

/** A clause in bits: it holds when `(word & need) == need` and `(word & forbid) == 0` for each word. */
export interface Bits {
  readonly need: bigint
  readonly forbid: bigint
}

export interface ClauseBits {
  readonly event: Bits
  /** Of the process and those above it; only the levels that the clause asks about. */
  readonly programs: ReadonlyMap<Level, Bits>
}

/** A set of entries → its bit in a word of 64, or undefined when the word is full. */
export class Word {
  readonly #bits = new Map<string, number>()
  readonly #entries = new Map<string, { readonly entry: Entry; mask: bigint }>()
  readonly #first: number

  constructor(first: number) {
    this.#first = first
  }

  bitOf(entries: readonly Entry[]): number | undefined {
    const key = setKey(entries)
    const known = this.#bits.get(key)
    if (known !== undefined) return known
    const bit = this.#first + this.#bits.size
    if (bit >= 64) return undefined
    this.#bits.set(key, bit)
    for (const entry of entries) this.#add(entry, 1n << BigInt(bit))
    return bit
  }

  #add(entry: Entry, mask: bigint): void {
    const key = `${entry.kind} ${entry.text}`
    const known = this.#entries.get(key)
    if (known === undefined) this.#entries.set(key, { entry, mask })
    else known.mask |= mask
  }

  /** Every text that some atom asks for, with the atoms that it makes true. */
  entries(): { readonly kind: EntryKind; readonly text: string; readonly mask: bigint }[] {
    return [...this.#entries.values()].map(({ entry, mask }) => ({ ...entry, mask }))
  }
}

export const newPathWord = () => new Word(FIRST_PATH_BIT)
export const newProgramWord = () => new Word(FIRST_SET_BIT)

/** Undefined when an atom found no bit. */
export function clauseBits(clause: Clause, paths: Word, programs: Word): ClauseBits | undefined {
  const event = { need: 0n, forbid: 0n }
  const byLevel = new Map<Level, { need: bigint; forbid: bigint }>()
  for (const one of clause) {
    const place = placeOf(one, paths, programs)
    if (place === undefined) return undefined
    const bits = place.level === undefined ? event : at(byLevel, place.level)
    bits[one.isNegated ? 'forbid' : 'need'] |= 1n << BigInt(place.bit)
  }
  return { event, programs: new Map(levels.flatMap((level) => pair(level, byLevel.get(level)))) }
}

const pair = <Value>(level: Level, value: Value | undefined): [Level, Value][] =>
  value === undefined ? [] : [[level, value]]

function at(byLevel: Map<Level, { need: bigint; forbid: bigint }>, level: Level) {
  const known = byLevel.get(level) ?? { need: 0n, forbid: 0n }
  byLevel.set(level, known)
  return known
}

function placeOf(
  { atom }: Literal,
  paths: Word,
  programs: Word,
): { readonly level?: Level; readonly bit: number } | undefined {
  switch (atom.kind) {
    case 'flag':
      return { bit: flags[atom.flag] }
    case 'trait':
      return { level: atom.level, bit: traits[atom.trait] }
    case 'paths': {
      const bit = paths.bitOf(atom.entries)
      return bit === undefined ? undefined : { bit }
    }
    case 'programs': {
      const bit = programs.bitOf(atom.entries)
      return bit === undefined ? undefined : { level: atom.level, bit }
    }
  }
}
