/** A socket as the bytes of SOCKET_LAYOUT. */
import ipaddr from 'ipaddr.js'
import { SOCKET_LAYOUT, type SocketTuple } from './view.ts'

/** <sys/socket.h> */
const families = { unix: 1, ipv4: 2, ipv6: 10 } as const
/** <netinet/in.h>; `unknown` is IPPROTO_IP, the value of a socket without one. */
const protocols = { unknown: 0, icmp: 1, tcp: 6, udp: 17, raw: 255 } as const
const roles = { unknown: 0, client: 1, server: 2 } as const

export function encodeSocket(socket: SocketTuple): Uint8Array {
  const path = new TextEncoder().encode(socket.path.replace(/^@/, '\0'))
  const bytes = new Uint8Array(SOCKET_LAYOUT.path + path.length)
  const view = new DataView(bytes.buffer)
  bytes[SOCKET_LAYOUT.family] = families[socket.family]
  bytes[SOCKET_LAYOUT.protocol] = protocols[socket.protocol]
  bytes[SOCKET_LAYOUT.role] = roles[socket.role]
  view.setUint16(SOCKET_LAYOUT.localPort, socket.localPort, true)
  view.setUint16(SOCKET_LAYOUT.remotePort, socket.remotePort, true)
  bytes.set(addressBytes(socket.localIp), SOCKET_LAYOUT.localAddress)
  bytes.set(addressBytes(socket.remoteIp), SOCKET_LAYOUT.remoteAddress)
  bytes.set(path, SOCKET_LAYOUT.path)
  return bytes
}

const addressBytes = (text: string) => (text === '' ? [] : ipaddr.parse(text).toByteArray())
