/** Sockets as text: `ip:port->ip:port`, the client first. */
import type { SocketTuple } from '../events/view.ts'

export interface Endpoint {
  readonly ip: string
  readonly port: number
}

/** The side that connected; undefined while nobody has, or for a unix socket. */
export function clientOf(socket: SocketTuple): Endpoint | undefined {
  if (socket.family === 'unix' || socket.remoteIp === '') return undefined
  if (socket.role === 'server') return remote(socket)
  return socket.role === 'client' ? local(socket) : undefined
}

/** The side that was connected to; a listening socket has only this one. */
export function serverOf(socket: SocketTuple): Endpoint | undefined {
  if (socket.family === 'unix') return undefined
  if (socket.role === 'client') return socket.remoteIp === '' ? undefined : remote(socket)
  if (socket.role === 'server' || socket.remoteIp === '') return local(socket)
  return undefined
}

export const local = (socket: SocketTuple): Endpoint => ({
  ip: socket.localIp === '' ? anyAddress(socket) : socket.localIp,
  port: socket.localPort,
})
export const remote = (socket: SocketTuple): Endpoint => ({
  ip: socket.remoteIp,
  port: socket.remotePort,
})

/** A socket that is not bound to one address listens on all. */
const anyAddress = ({ family }: SocketTuple) => (family === 'ipv6' ? '::' : '0.0.0.0')

/** fd.name: `10.0.0.1:4711->93.184.216.34:443`, `0.0.0.0:22` while listening, a path for unix. */
export function socketName(socket: SocketTuple): string {
  if (socket.family === 'unix') return socket.path
  if (socket.remoteIp === '') return text(local(socket))
  return socket.role === 'server'
    ? `${text(remote(socket))}->${text(local(socket))}`
    : `${text(local(socket))}->${text(remote(socket))}`
}

export const text = ({ ip, port }: Endpoint) => `${ip}:${port}`

/** The character of a protocol in evt.arg.fd: `<4t>…`. */
export const protocolCharacter = ({ protocol }: SocketTuple) =>
  ({ tcp: 't', udp: 'u', icmp: 'i', raw: 'r', unknown: '' })[protocol]
