/** A socket parameter's bytes as a SocketTuple, for the hot road: read-record.ts has the plain way. */
import ipaddr from 'ipaddr.js'
import { decodeText } from './read-record.ts'
import { SOCKET_LAYOUT, type SocketTuple } from './view.ts'

/** <sys/socket.h>, <netinet/in.h> */
const AF_UNIX = 1
const AF_INET = 2
const AF_INET6 = 10
const protocols = new Map<number, SocketTuple['protocol']>([
  [1, 'icmp'],
  [6, 'tcp'],
  [17, 'udp'],
  [58, 'icmp'],
  [255, 'raw'],
])
const roles = ['unknown', 'client', 'server'] as const

/** The socket at byte `start`, `length` bytes long; undefined for a family that is none of the three. */
export function socketFrom(
  bytes: Uint8Array,
  start: number,
  length: number,
): SocketTuple | undefined {
  const family = bytes[start + SOCKET_LAYOUT.family]
  const protocol = protocols.get(bytes[start + SOCKET_LAYOUT.protocol] ?? 0) ?? 'unknown'
  const role = roles[bytes[start + SOCKET_LAYOUT.role] ?? 0] ?? 'unknown'
  const localPort = port(bytes, start + SOCKET_LAYOUT.localPort)
  const remotePort = port(bytes, start + SOCKET_LAYOUT.remotePort)
  if (family === AF_UNIX) {
    const path = decodeText(bytes.subarray(start + SOCKET_LAYOUT.path, start + length))
    const shown = path.startsWith('\0') ? `@${path.slice(1)}` : path
    return {
      family: 'unix',
      protocol,
      role,
      localIp: '',
      localPort,
      remoteIp: '',
      remotePort,
      path: shown,
    }
  }
  const address = family === AF_INET ? ipv4 : ipv6
  if (family !== AF_INET && family !== AF_INET6) return undefined
  return {
    family: family === AF_INET ? 'ipv4' : 'ipv6',
    protocol,
    role,
    localIp: address(bytes, start + SOCKET_LAYOUT.localAddress),
    localPort,
    remoteIp: address(bytes, start + SOCKET_LAYOUT.remoteAddress),
    remotePort,
    path: '',
  }
}

const port = (bytes: Uint8Array, at: number) => (bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8)

/** An address of zeros is one that is not bound. */
function ipv4(bytes: Uint8Array, at: number): string {
  const [a, b, c, d] = [bytes[at] ?? 0, bytes[at + 1] ?? 0, bytes[at + 2] ?? 0, bytes[at + 3] ?? 0]
  return (a | b | c | d) === 0 ? '' : `${a}.${b}.${c}.${d}`
}

/** Canonical texts are slow to make, and a host talks to few addresses at a time. */
const texts = new Map<string, string>()

function ipv6(bytes: Uint8Array, at: number): string {
  const key = Buffer.from(bytes.buffer, bytes.byteOffset + at, 16).toString('latin1')
  const known = texts.get(key)
  if (known !== undefined) return known
  const address = bytes.subarray(at, at + 16)
  const text = address.every((byte) => byte === 0)
    ? ''
    : ipaddr.process(ipaddr.fromByteArray([...address]).toString()).toString()
  if (texts.size >= 4096) texts.clear()
  texts.set(key, text)
  return text
}
