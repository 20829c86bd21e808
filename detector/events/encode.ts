/** Builds a record's bytes by schema.ts: for replay, and for tests that go through the same bytes as the kernel's. */
import {
  type Parameter,
  events,
  header,
  HEADER_BYTES,
  MISSING_SCALAR,
  TRUNCATED_BIT,
} from './schema.ts'
import { encodeSocket } from './encode-socket.ts'
import type { SocketTuple } from './view.ts'

/** `undefined` is "could not be had"; a `cut` value is marked as truncated. */
type ParameterValue =
  | number
  | bigint
  | string
  | Uint8Array
  | readonly string[]
  | SocketTuple
  | { readonly cut: string | Uint8Array }
  | undefined

export interface RecordSource {
  /** An event's name in schema.ts. */
  readonly event: string
  readonly pid: number
  /** The pid unless given, as in a process of one thread. */
  readonly tid?: number
  readonly parentPid?: number
  readonly userId?: number
  readonly cpu?: number
  /** recordFlags; `truncated` is set by a cut value. */
  readonly flags?: number
  readonly timeNs?: bigint
  readonly startTimeNs?: bigint
  readonly cgroupId?: bigint
  readonly strikes?: bigint
  /** By the names of schema.ts; what is left out is missing. */
  readonly parameters?: Readonly<Record<string, ParameterValue>>
}

/** The record's bytes. A name that schema.ts does not have, or a value of the wrong kind, is a TypeError. */
export function encode(source: RecordSource): Uint8Array {
  const eventId = events.findIndex((row) => row.name === source.event)
  const row = events[eventId]
  if (row === undefined) throw new TypeError(`no event is named ${source.event}`)
  const values = source.parameters ?? {}
  for (const name of Object.keys(values))
    if (!row.parameters.some((parameter) => parameter.name === name))
      throw new TypeError(`${source.event} has no parameter ${name}`)

  const encoded = row.parameters.map((parameter) => encodeValue(parameter, values[parameter.name]))
  const slotsEnd = HEADER_BYTES + 8 * encoded.length
  const bytesLength = encoded.reduce((sum, { bytes }) => sum + align(bytes?.length ?? 0), 0)
  const record = new Uint8Array(slotsEnd + bytesLength)
  const view = new DataView(record.buffer)
  let end = slotsEnd
  encoded.forEach(({ scalar, bytes, isCut }, index) => {
    const slot = HEADER_BYTES + 8 * index
    if (scalar !== undefined) view.setBigInt64(slot, scalar, true)
    if (bytes === undefined) return
    record.set(bytes, end)
    view.setUint32(slot, end, true)
    view.setUint32(slot + 4, (bytes.length | (isCut ? TRUNCATED_BIT : 0)) >>> 0, true)
    end += align(bytes.length)
  })
  const isCut = encoded.some((value) => value.isCut)
  writeHeader(view, source, { eventId, slots: encoded.length, isCut })
  return record
}

/** Records and the values in them begin on 8-byte boundaries, as the ring and the interning of text want them. */
const align = (length: number) => Math.ceil(length / 8) * 8

function writeHeader(
  view: DataView,
  source: RecordSource,
  { eventId, slots, isCut }: { eventId: number; slots: number; isCut: boolean },
) {
  view.setBigUint64(header.timeNs, source.timeNs ?? 0n, true)
  view.setUint32(header.pid, source.pid, true)
  view.setUint32(header.tid, source.tid ?? source.pid, true)
  view.setBigUint64(header.cgroupId, source.cgroupId ?? 0n, true)
  view.setBigUint64(header.startTimeNs, source.startTimeNs ?? 0n, true)
  view.setUint16(header.eventId, eventId, true)
  view.setUint16(header.flags, (source.flags ?? 0) | (isCut ? 1 : 0), true)
  view.setUint16(header.cpu, source.cpu ?? 0, true)
  view.setUint16(header.slots, slots, true)
  view.setUint32(header.userId, source.userId ?? 0, true)
  view.setUint32(header.parentPid, source.parentPid ?? 0, true)
  view.setBigUint64(header.strikes, source.strikes ?? 0n, true)
  view.setUint32(header.length, view.byteLength, true)
}

interface Encoded {
  readonly scalar?: bigint
  readonly bytes?: Uint8Array
  readonly isCut?: boolean
}

function encodeValue({ name, type }: Parameter, value: ParameterValue): Encoded {
  if (type === 'int') {
    if (value === undefined) return { scalar: MISSING_SCALAR }
    if (typeof value === 'number' || typeof value === 'bigint')
      return { scalar: BigInt.asIntN(64, BigInt(value)) }
  } else if (value === undefined) {
    return {}
  } else if (typeof value === 'object' && 'cut' in value) {
    return { bytes: toBytes(value.cut), isCut: true }
  } else if (value instanceof Uint8Array) {
    return { bytes: value }
  } else if (typeof value === 'object' && 'family' in value) {
    if (type === 'socket') return { bytes: encodeSocket(value) }
  } else if (typeof value === 'string') {
    if (type !== 'socket' && type !== 'list') return { bytes: toBytes(value) }
  } else if (typeof value === 'object' && type === 'list') {
    return { bytes: toBytes(value.join('\0')) }
  }
  throw new TypeError(`${name} is ${type}, not ${typeof value}`)
}

const toBytes = (text: string | Uint8Array) =>
  typeof text === 'string' ? new TextEncoder().encode(text) : text
