/** What bpf/judge.h decides, in TypeScript: the tests compare the two, and explain by it. */
import { textToBytes } from '../../contract/condition/bytes.ts'
import { flags, PROFILE_FLAGS, traits, type Flag, type Level } from './atoms.ts'
import type { Bits, ClauseBits } from './numbering.ts'
import type { Tables, TableText, Vocabulary } from './tables.ts'

const LONGEST_PATH = 256

export interface TwinProgram {
  readonly name: string
  readonly path: string | undefined
  /** TRAIT_* bits beside `exists`. */
  readonly traits: number
}

/** What the kernel gathers before it judges. */
export interface TwinCall {
  readonly eventId: number
  /** Flags that do not come from names. */
  readonly flags: bigint
  /** The opened file's own path; undefined where nothing was opened. */
  readonly path: string | undefined
  /** Null where the event has no such name. */
  readonly name: string | undefined | null
  readonly directory: string | undefined
  /** Itself, its parent, …; undefined where the chain is not known further, `end` above the first process. */
  readonly lineage: readonly (TwinProgram | undefined)[]
  readonly isLineageWhole: boolean
}

export interface TwinAnswer {
  readonly isKept: boolean
  readonly strikes: readonly number[]
}

export function twinOf(tables: Tables): (call: TwinCall) => TwinAnswer {
  const byScope = Map.groupBy(tables.texts, ({ scope }) => scope)
  return (call) => {
    const verdict = tables.events[call.eventId] ?? 'keep'
    if (typeof verdict === 'string') return { isKept: verdict === 'keep', strikes: [] }
    const vocabulary = tables.vocabularies[verdict.vocabulary]
    if (vocabulary === undefined) return { isKept: true, strikes: [] }
    const texts = byScope.get(verdict.vocabulary) ?? []
    return judge(call, vocabulary, texts, words(call, byScope.get('programs') ?? []))
  }
}

interface Words {
  readonly own: bigint | undefined
  readonly at: (level: Level) => bigint | undefined
}

function words(call: TwinCall, texts: readonly TableText[]): Words {
  const masks = call.lineage.map((one) => one && programWord(one, texts))
  return {
    own: masks[0],
    at(level) {
      if (level !== 'any')
        return level < masks.length ? masks[level] : call.isLineageWhole ? 0n : undefined
      if (!call.isLineageWhole || masks.includes(undefined)) return undefined
      return masks.slice(1).reduce<bigint>((sum, mask) => sum | (mask ?? 0n), 0n)
    },
  }
}

function programWord(program: TwinProgram, texts: readonly TableText[]): bigint {
  const path = program.path ?? ''
  const found = texts.filter(({ kind, text }) => {
    if (kind === 'name') return program.name === text
    if (kind === 'name_start') return program.name.startsWith(text)
    if (kind === 'exe') return path === text
    return kind === 'exe_start' && path.startsWith(text)
  })
  return union(found) | BigInt(program.traits) | (1n << BigInt(traits.exists))
}

const union = (texts: readonly TableText[]) => texts.reduce((sum, { mask }) => sum | mask, 0n)
const holds = ({ need, forbid }: Bits, word: bigint) =>
  (word & need) === need && (word & forbid) === 0n

function judge(
  call: TwinCall,
  vocabulary: Vocabulary,
  texts: readonly TableText[],
  known: Words,
): TwinAnswer {
  const profile = vocabulary.profiles[Number(call.flags & ((1n << BigInt(PROFILE_FLAGS)) - 1n))]
  if (profile === undefined) return { isKept: true, strikes: [] }
  const mayMatch = (word: bigint) =>
    vocabulary.clauses.some((clause) => holds(clause.event, word) && ownHolds(clause, known))
  const struck = (word: bigint) => strikesOf(vocabulary, word, known)
  if (!profile.needsNames || !isOpen(call)) {
    const strikes = struck(call.flags)
    return { isKept: strikes.length > 0 || profile.isAlways || mayMatch(call.flags), strikes }
  }
  const kernel = call.path === undefined ? undefined : pathWord(call.path, call, texts)
  if (call.path !== undefined && (kernel === undefined || call.path.startsWith('/memfd:')))
    return { isKept: true, strikes: [] }
  const strikes = kernel === undefined ? [] : struck(kernel)
  if (strikes.length > 0 || profile.isAlways) return { isKept: true, strikes }
  if (call.name === null) return { isKept: kernel === undefined || mayMatch(kernel), strikes: [] }
  const passed = passedName(call)
  const word = passed === undefined ? undefined : pathWord(passed, call, texts)
  if (passed === undefined || word === undefined || isOdd(passed))
    return { isKept: true, strikes: [] }
  const climbs = word & (1n << BigInt(flags.hasDotDot))
  return {
    isKept: mayMatch(word) || (kernel !== undefined && mayMatch(kernel | climbs)),
    strikes: [],
  }
}

const ownHolds = ({ programs }: ClauseBits, { own }: Words) => {
  const bits = programs.get(0)
  return bits === undefined || own === undefined || holds(bits, own)
}

function strikesOf(vocabulary: Vocabulary, word: bigint, known: Words): number[] {
  const sure = vocabulary.strikes.filter(
    ({ event, programs }) =>
      holds(event, word) &&
      [...programs].every(([level, bits]) => {
        const mask = known.at(level)
        return mask !== undefined && holds(bits, mask)
      }),
  )
  return [...new Set(sure.map(({ strike }) => strike))]
}

function passedName({ name, directory }: TwinCall): string | undefined {
  if (name === undefined || name === null || name === '' || textToBytes(name).length > LONGEST_PATH)
    return undefined
  if (name.startsWith('/')) return name
  if (directory === undefined || directory === '') return undefined
  return `${directory === '/' ? '' : directory}/${name}`
}

const isOpen = ({ name, path }: TwinCall) => name !== null || path !== undefined
const isOdd = (path: string) => /\/\/|\/\.\.?(\/|$)|.\/$/.test(path)

/** Undefined where the path is none that the kernel looks at. */
function pathWord(path: string, call: TwinCall, texts: readonly TableText[]): bigint | undefined {
  if (!path.startsWith('/') || textToBytes(path).length > LONGEST_PATH) return undefined
  const slash = path.lastIndexOf('/')
  const components = path.split('/').slice(1)
  const isDirectory = (call.flags & (1n << BigInt(flags.isDirectory))) !== 0n
  const parent = isDirectory ? path : slash === 0 ? '/' : path.slice(0, slash)
  const found = texts.filter(({ kind, text }) => {
    if (kind === 'path') return path === text
    if (kind === 'under') return path.startsWith(text)
    if (kind === 'directory') return parent === text
    if (kind === 'filename') return components.at(-1) === text
    return kind === 'inner' && components.slice(0, -1).includes(text)
  })
  const climbs = path.includes('../') ? 1n << BigInt(flags.hasDotDot) : 0n
  return call.flags | union(found) | climbs | (1n << BigInt(flags.hasName))
}

export interface OpenFacts {
  readonly result: number
  readonly flags: number
  readonly mode: number
  /** st_mode of what was opened; undefined where nothing was. */
  readonly inodeMode: number | undefined
  readonly userId: number
}

/** open_flags, file_flags and result_flags of bpf/judge-flags.h. */
export function openFlags({ result, flags: open, mode, inodeMode, userId }: OpenFacts): bigint {
  const access = open & 3
  const type = (inodeMode ?? 0) & 0o170000
  return flagBits({
    ...resultOf(result),
    isRoot: userId === 0,
    isRead: access === 0 || access === 2,
    isWrite: access === 1 || access === 2,
    hasTruncate: (open & 0o1000) !== 0,
    hasCreate: (open & 0o100) !== 0,
    isExec: (mode & 0o111) !== 0 && (open & 0o20000100) !== 0,
    isFile: type === 0o100000 || type === 0o020000 || type === 0o060000,
    isDirectory: type === 0o040000,
  })
}

export const callFlags = (result: number, userId: number): bigint =>
  flagBits({ ...resultOf(result), isRoot: userId === 0 })

const resultOf = (result: number) => ({
  succeeded: result >= 0,
  isZero: result === 0,
  isStandardStream: result >= 0 && result <= 2,
})

const flagBits = (set: Partial<Record<Flag, boolean>>) =>
  Object.entries(flags).reduce(
    (bits, [name, bit]) =>
      Object.entries(set).some(([known, isSet]) => known === name && isSet)
        ? bits | (1n << BigInt(bit))
        : bits,
    0n,
  )
