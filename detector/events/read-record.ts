/**
 * The plainest reading of a record, straight from schema.ts with a DataView: what view.ts is compared with,
 * and what small tests use. It allocates for each value, so it is not for the hot path.
 */
import ipaddr from 'ipaddr.js'
import { events, header, HEADER_BYTES, MISSING_SCALAR, TRUNCATED_BIT } from './schema.ts'
import { type EventView, SOCKET_LAYOUT, type SocketTuple } from './view.ts'

/** A view of one record; undefined values are missing ones. */
export function readRecord(record: Uint8Array): EventView {
  const data = new DataView(record.buffer, record.byteOffset, record.byteLength)
  const slots = data.getUint16(header.slots, true)
  const eventId = data.getUint16(header.eventId, true)
  const scalar = (parameter: number) => {
    if (!isSlot(parameter, 'int')) return undefined
    const value = data.getBigInt64(HEADER_BYTES + 8 * parameter, true)
    return value === MISSING_SCALAR ? undefined : value
  }
  const isSlot = (parameter: number, type?: string) => {
    if (parameter < 0 || parameter >= slots) return false
    const isScalar = events[eventId]?.parameters[parameter]?.type === 'int'
    return (type === 'int') === isScalar
  }
  const variable = (parameter: number) => {
    if (!isSlot(parameter)) return undefined
    const offset = data.getUint32(HEADER_BYTES + 8 * parameter, true)
    const length = data.getUint32(HEADER_BYTES + 8 * parameter + 4, true) & ~TRUNCATED_BIT
    return offset === 0 ? undefined : record.subarray(offset, offset + length)
  }
  const view: EventView = {
    eventId,
    flags: data.getUint16(header.flags, true),
    pid: data.getUint32(header.pid, true),
    tid: data.getUint32(header.tid, true),
    parentPid: data.getUint32(header.parentPid, true),
    userId: data.getUint32(header.userId, true),
    cpu: data.getUint16(header.cpu, true),
    timeNs: data.getBigUint64(header.timeNs, true),
    cgroupId: data.getBigUint64(header.cgroupId, true),
    startTimeNs: data.getBigUint64(header.startTimeNs, true),
    strikes: data.getBigUint64(header.strikes, true),
    int: (parameter) => {
      const value = scalar(parameter)
      return value === undefined ? undefined : Number(value)
    },
    bigint: scalar,
    text: (parameter) => map(variable(parameter), decodeText),
    list: (parameter) =>
      map(variable(parameter), (bytes) =>
        bytes.length === 0 ? [] : decodeText(bytes).split('\0'),
      ),
    bytes: (parameter) => map(variable(parameter), (bytes) => bytes.slice()),
    socket: (parameter) => map(variable(parameter), decodeSocket),
    isTruncated: (parameter) =>
      isSlot(parameter) &&
      (data.getUint32(HEADER_BYTES + 8 * parameter + 4, true) & TRUNCATED_BIT) !== 0,
    byteLength: record.byteLength,
    keep: () => view,
  }
  return view
}

const map = <T>(bytes: Uint8Array | undefined, decode: (bytes: Uint8Array) => T) =>
  bytes === undefined ? undefined : decode(bytes)

/** UTF-8; each byte that is no part of it becomes the lone surrogate U+DC00 + byte, so that no byte is lost. */
export function decodeText(bytes: Uint8Array): string {
  const text = new TextDecoder('utf-8', { ignoreBOM: true })
  let decoded = ''
  let rest = bytes
  while (rest.length > 0) {
    const valid = validPrefix(rest)
    decoded += text.decode(rest.subarray(0, valid))
    const [bad] = rest.subarray(valid)
    if (bad === undefined) break
    decoded += String.fromCharCode(0xdc00 + bad)
    rest = rest.subarray(valid + 1)
  }
  return decoded
}

/** Bytes from the start that are whole UTF-8 characters (Unicode 16, table 3-7). */
function validPrefix(bytes: Uint8Array): number {
  let at = 0
  while (at < bytes.length) {
    const length = characterLength(bytes, at)
    if (length === 0) return at
    at += length
  }
  return at
}

function characterLength(bytes: Uint8Array, at: number): number {
  const lead = bytes[at] ?? 0
  if (lead < 0x80) return 1
  const length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2
  if (lead < 0xc2 || lead > 0xf4) return 0
  const second = bytes[at + 1] ?? 0
  if (lead === 0xe0 && second < 0xa0) return 0
  if (lead === 0xed && second > 0x9f) return 0
  if (lead === 0xf0 && second < 0x90) return 0
  if (lead === 0xf4 && second > 0x8f) return 0
  for (let next = at + 1; next < at + length; next++)
    if (((bytes[next] ?? 0) & 0xc0) !== 0x80) return 0
  return length
}

const families = new Map([
  [1, 'unix'],
  [2, 'ipv4'],
  [10, 'ipv6'],
] as const)
const protocols = new Map([
  [1, 'icmp'],
  [6, 'tcp'],
  [17, 'udp'],
  [58, 'icmp'],
  [255, 'raw'],
] as const)
const roles = new Map([
  [1, 'client'],
  [2, 'server'],
] as const)

export function decodeSocket(bytes: Uint8Array): SocketTuple | undefined {
  const data = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const numbered = <T>(names: ReadonlyMap<number, T>, offset: number) =>
    names.get(bytes[offset] ?? 0)
  const family = numbered(families, SOCKET_LAYOUT.family)
  if (family === undefined) return undefined
  const isUnix = family === 'unix'
  const address = (offset: number) =>
    isUnix ? '' : addressText(bytes.subarray(offset, offset + (family === 'ipv4' ? 4 : 16)))
  return {
    family,
    protocol: numbered(protocols, SOCKET_LAYOUT.protocol) ?? 'unknown',
    role: numbered(roles, SOCKET_LAYOUT.role) ?? 'unknown',
    localIp: address(SOCKET_LAYOUT.localAddress),
    localPort: data.getUint16(SOCKET_LAYOUT.localPort, true),
    remoteIp: address(SOCKET_LAYOUT.remoteAddress),
    remotePort: data.getUint16(SOCKET_LAYOUT.remotePort, true),
    path: isUnix ? decodeText(bytes.subarray(SOCKET_LAYOUT.path)).replace(/^\0/, '@') : '',
  }
}

/** An address of zeros is one that is not bound. */
function addressText(bytes: Uint8Array): string {
  if (bytes.every((byte) => byte === 0)) return ''
  return ipaddr.process(ipaddr.fromByteArray([...bytes]).toString()).toString()
}
