/** Tables and processes as the bytes of bpf/judge-maps.h, little-endian. */
import { textToBytes } from '../../contract/condition/bytes.ts'
import { entryKinds, levels, TEXT_BYTES, type EntryKind } from './atoms.ts'
import type { Bits, ClauseBits } from './numbering.ts'
import {
  bitmap,
  MAX_CLAUSES,
  type Profile,
  type StrikeBits,
  type TableText,
  type Vocabulary,
} from './tables.ts'

const CLAUSE_BYTES = 32
const STRIKE_CLAUSE_BYTES = 16 * (1 + levels.length) + 8
const VOCABULARY_HEAD = 16
const VOCABULARY_BYTES = VOCABULARY_HEAD + MAX_CLAUSES * (CLAUSE_BYTES + STRIKE_CLAUSE_BYTES)
const SCOPE_PROGRAMS = 255

const none: Bits = { need: 0n, forbid: 0n }

export function vocabularyBytes({ clauses, strikes }: Vocabulary): Uint8Array {
  const bytes = new Uint8Array(VOCABULARY_BYTES)
  const view = new DataView(bytes.buffer)
  view.setUint32(0, clauses.length, true)
  view.setUint32(4, strikes.length, true)
  const asking = clauses.map(({ programs }) => programs.has(0))
  view.setBigUint64(8, bitmap(asking), true)
  clauses.forEach((clause, index) => {
    putClause(view, VOCABULARY_HEAD + index * CLAUSE_BYTES, clause)
  })
  strikes.forEach((clause, index) => {
    putStrike(
      view,
      VOCABULARY_HEAD + MAX_CLAUSES * CLAUSE_BYTES + index * STRIKE_CLAUSE_BYTES,
      clause,
    )
  })
  return bytes
}

function putBits(view: DataView, at: number, { need, forbid }: Bits): void {
  view.setBigUint64(at, need, true)
  view.setBigUint64(at + 8, forbid, true)
}

function putClause(view: DataView, at: number, { event, programs }: ClauseBits): void {
  putBits(view, at, event)
  putBits(view, at + 16, programs.get(0) ?? none)
}

function putStrike(view: DataView, at: number, { event, programs, strike }: StrikeBits): void {
  putBits(view, at, event)
  let asked = 0
  levels.forEach((level, index) => {
    const bits = programs.get(level)
    if (bits !== undefined) asked |= 1 << index
    putBits(view, at + 16 * (1 + index), bits ?? none)
  })
  const after = at + 16 * (1 + levels.length)
  view.setUint32(after, strike, true)
  view.setUint32(after + 4, asked, true)
}

export function profileBytes({ clauses, strikes, isAlways, needsNames }: Profile): Uint8Array {
  const view = new DataView(new ArrayBuffer(24))
  view.setBigUint64(0, clauses, true)
  view.setBigUint64(8, strikes, true)
  view.setUint32(16, Number(isAlways), true)
  view.setUint32(20, Number(needsNames), true)
  return new Uint8Array(view.buffer)
}

/** `struct judge_text_key`. */
export function textKey(half: number, { scope, kind, text }: TableText): Uint8Array {
  const bytes = new Uint8Array(4 + TEXT_BYTES)
  const content = textToBytes(text)
  bytes.set([half, scope === 'programs' ? SCOPE_PROGRAMS : scope, kindNumber(kind), content.length])
  bytes.set(content, 4)
  return bytes
}

export const kindNumber = (kind: EntryKind): number => entryKinds.indexOf(kind) + 1

/** judge_step over all bytes: a polynomial in the seed. */
export function hashOf(seed: bigint, text: string): bigint {
  let hash = 0n
  for (const byte of textToBytes(text)) hash = BigInt.asUintN(64, hash * seed + BigInt(byte) + 1n)
  return hash
}

const SLOTS = 16_384
const MIX = 0x9e37_79b9_7f4a_7c15n

/** Both places of a hash in judge_kinds. */
export function slotsOf(seed: bigint, hash: bigint): readonly [number, number] {
  const mixed = BigInt.asUintN(64, (hash ^ seed) * MIX)
  return [Number(mixed >> 50n), Number((mixed >> 36n) & BigInt(SLOTS - 1))]
}

/** judge_powers: the seed to the power of each length of a component. */
export function powersOf(seed: bigint, count: number): BigUint64Array {
  const powers = new BigUint64Array(count)
  for (let power = 1n, index = 0; index < count; index++, power = BigInt.asUintN(64, power * seed))
    powers[index] = power
  return powers
}

export interface KnownProcess {
  readonly pid: number
  readonly startTimeNs: bigint
  readonly name: string
  readonly path: string | undefined
  readonly traits: number
  readonly parent: { readonly pid: number; readonly startTimeNs: bigint } | 'none' | 'unknown'
}

/** `struct judge_process_key`. */
export function processKey(pid: number, startTimeNs: bigint): Uint8Array {
  const view = new DataView(new ArrayBuffer(16))
  view.setBigUint64(0, startTimeNs, true)
  view.setUint32(8, pid, true)
  return new Uint8Array(view.buffer)
}

const PROCESS_BYTES = 168
const UNKNOWN_PID = 0xffff_ffff

/** `struct judge_process`, its atoms yet to be looked up (generation 0). */
export function processBytes({ name, path, traits, parent }: KnownProcess): Uint8Array {
  const bytes = new Uint8Array(PROCESS_BYTES)
  const called = textToBytes(name).subarray(0, 15)
  const file = textToBytes(path ?? '')
  bytes[12] = traits
  bytes[13] = called.length
  bytes[14] = file.length > TEXT_BYTES ? 255 : file.length
  bytes[15] = 1
  if (parent === 'unknown') bytes.set(processKey(UNKNOWN_PID, 0n), 16)
  else if (parent !== 'none') bytes.set(processKey(parent.pid, parent.startTimeNs), 16)
  bytes.set(called, 32)
  bytes.set(file.subarray(0, TEXT_BYTES), 48)
  return bytes
}
