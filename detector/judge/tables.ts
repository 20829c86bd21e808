/** Clauses of all rules and strikes → what the kernel reads: a verdict an event, clauses, profiles, texts with masks. */
import { FIRST_PATH_BIT, flags, PROFILE_FLAGS, type EntryKind } from './atoms.ts'
import { absorb, type Clause } from './clauses.ts'
import { clauseKey, filterClauses, needsOf, type FilterRule } from './filter.ts'

import { clauseBits, newPathWord, newProgramWord, type ClauseBits, type Word } from './numbering.ts'

/** How many clauses of each kind an event has room for. */
export const MAX_CLAUSES = 32
export const MAX_VOCABULARIES = 32

/** A strike's clauses for one event; `strike` is its bit in a record's header. */
export interface StrikeClauses {
  readonly strike: number
  readonly eventName: string
  readonly clauses: readonly Clause[]
}

export interface TableText {
  /** Index of the vocabulary, or `programs`. */
  readonly scope: number | 'programs'
  readonly kind: EntryKind
  readonly text: string
  readonly mask: bigint
}

export interface StrikeBits extends ClauseBits {
  readonly strike: number
}

/** By the first eight flags of the event word: what of the vocabulary can still hold. */
export interface Profile {
  readonly clauses: bigint
  readonly strikes: bigint
  /** Some clause holds whatever the names and the process are. */
  readonly isAlways: boolean
  readonly needsNames: boolean
}

export interface Vocabulary {
  readonly clauses: readonly ClauseBits[]
  readonly strikes: readonly StrikeBits[]
  readonly profiles: readonly Profile[]
}

export type Verdict = 'keep' | 'drop' | { readonly vocabulary: number }

export interface Tables {
  /** By event id. */
  readonly events: readonly Verdict[]
  readonly vocabularies: readonly Vocabulary[]
  readonly texts: readonly TableText[]
  /** Strikes (with an event's name) that found no place, and why. */
  readonly refused: readonly { readonly strike: number; readonly reason: string }[]
}

export interface TablesInput {
  readonly rules: readonly FilterRule[]
  readonly strikes: readonly StrikeClauses[]
  /** By event id. */
  readonly eventNames: readonly string[]
  /** Events that user space needs whatever the rules say: a process's life, its names, its directory. */
  readonly isKept: (eventName: string) => boolean
  /** False: every record comes up, strikes work all the same. */
  readonly isFiltering: boolean
}

export function buildTables(input: TablesInput): Tables {
  const programs = newProgramWord()
  const shared = new Map<string, { readonly index: number; readonly vocabulary: Vocabulary }>()
  const texts: TableText[] = []
  const refused: Tables['refused'][number][] = []
  const events = input.eventNames.map((eventName): Verdict => {
    const strikes = input.strikes.filter((one) => one.eventName === eventName)
    const isKept = !input.isFiltering || input.isKept(eventName)
    const filter = isKept ? [[]] : filterClauses(needsOf(input.rules, eventName))
    if (strikes.length === 0 && (filter.length === 0 || isAlways(filter)))
      return filter.length === 0 ? 'drop' : 'keep'
    const key = JSON.stringify([filter.map(clauseKey), strikes.map(strikeKey)])
    const known = shared.get(key)
    if (known !== undefined) return { vocabulary: known.index }
    if (shared.size >= MAX_VOCABULARIES) {
      for (const { strike } of strikes)
        refused.push({ strike, reason: `no room for ${eventName} in the kernel's tables` })
      return 'keep'
    }
    const index = shared.size
    const paths = newPathWord()
    const vocabulary = buildVocabulary(filter, strikes, paths, programs, refused)
    shared.set(key, { index, vocabulary })
    for (const entry of paths.entries()) texts.push({ scope: index, ...entry })
    return { vocabulary: index }
  })
  for (const entry of programs.entries()) texts.push({ scope: 'programs', ...entry })
  const vocabularies = [...shared.values()].map((one) => one.vocabulary)
  return { events, vocabularies, texts, refused }
}

const isAlways = (clauses: readonly Clause[]) => clauses.some((clause) => clause.length === 0)
const strikeKey = ({ strike, clauses }: StrikeClauses) => [strike, ...clauses.map(clauseKey)]

function buildVocabulary(
  filter: readonly Clause[],
  strikes: readonly StrikeClauses[],
  paths: Word,
  programs: Word,
  refused: Tables['refused'][number][],
): Vocabulary {
  const struck: StrikeBits[] = []
  for (const { strike, clauses, eventName } of strikes) {
    const bits = clauses.map((clause) => clauseBits(clause, paths, programs))
    const known = bits.filter((one) => one !== undefined)
    if (known.length < bits.length || struck.length + known.length > MAX_CLAUSES)
      refused.push({
        strike,
        reason: `too many conditions for ${eventName} in the kernel's tables`,
      })
    else struck.push(...known.map((one) => ({ ...one, strike })))
  }
  const kept = relax(filter, paths, programs)
  return { clauses: kept, strikes: struck, profiles: profilesOf(kept, struck) }
}

/** A literal without a bit is left out, too many clauses become one that always holds. */
function relax(filter: readonly Clause[], paths: Word, programs: Word): ClauseBits[] {
  const placed = filter.map((clause) =>
    clause.filter((one) => clauseBits([one], paths, programs) !== undefined),
  )
  const kept = absorb(placed)
  const bits = kept.map((clause) => clauseBits(clause, paths, programs))
  const known = bits.filter((one) => one !== undefined)
  return known.length <= MAX_CLAUSES
    ? known
    : [{ event: { need: 0n, forbid: 0n }, programs: new Map() }]
}

function profilesOf(clauses: readonly ClauseBits[], strikes: readonly ClauseBits[]): Profile[] {
  const low = (1n << BigInt(PROFILE_FLAGS)) - 1n
  return Array.from({ length: 1 << PROFILE_FLAGS }, (_, index) => {
    const profile = BigInt(index)
    const survives = ({ event }: ClauseBits) =>
      (event.need & low & ~profile) === 0n && (event.forbid & low & profile) === 0n
    const living = clauses.filter(survives)
    const striking = strikes.filter(survives)
    return {
      clauses: bitmap(clauses.map(survives)),
      strikes: bitmap(strikes.map(survives)),
      isAlways: living.some(
        ({ event, programs }) => ((event.need | event.forbid) & ~low) === 0n && programs.size === 0,
      ),
      // A strike goes by what was opened in any case: it must not be a memfd.
      needsNames:
        striking.length > 0 ||
        living.some(({ event }) => ((event.need | event.forbid) & nameBits) !== 0n),
    }
  })
}

const nameBits = [flags.hasDotDot, flags.hasName].reduce(
  (bits, bit) => bits | (1n << BigInt(bit)),
  ~0n << BigInt(FIRST_PATH_BIT),
)

export const bitmap = (which: readonly boolean[]) =>
  which.reduce((bits, isSet, index) => (isSet ? bits | (1n << BigInt(index)) : bits), 0n)
