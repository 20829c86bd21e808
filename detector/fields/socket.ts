/** fd.* of sockets: client and server by who connected, local and remote by where the process is. */
import type { Event } from '../events/event.ts'
import { intOf } from '../events/parameter.ts'
import type { SocketTuple } from '../events/view.ts'
import type { Field } from './index.ts'
import { row } from './row.ts'
import { type Endpoint, clientOf, local, remote, serverOf } from './socket-text.ts'
import { isConnected, kindOf, socket } from './subject.ts'

type Side = (socket: SocketTuple) => Endpoint | undefined

/** The process's own end, and the other; a socket that waits for connections has neither. */
const localOf: Side = (found) => (isPair(found) ? local(found) : undefined)
const remoteOf: Side = (found) => (isPair(found) ? remote(found) : undefined)
const isPair = (found: SocketTuple) => found.family !== 'unix' && found.remoteIp !== ''

const endpoint = (side: Side) => (event: Event) => {
  const found = socket(event)
  return found === undefined ? undefined : side(found)
}

/** Both ends of a connection, or the one of a socket that listens. */
function endpoints(event: Event): Endpoint[] | undefined {
  const found = socket(event)
  if (found === undefined || found.family === 'unix') return undefined
  return isPair(found) ? [local(found), remote(found)] : [local(found)]
}

const sides: readonly (readonly [letter: string, what: string, side: Side])[] = [
  ['c', 'client', clientOf],
  ['s', 'server', serverOf],
  ['l', 'local', localOf],
  ['r', 'remote', remoteOf],
]

/** Of a socket that was just made: what was asked for, and else what its type means (<netinet/in.h>). */
function madeProtocol(event: Event): SocketTuple['protocol'] | undefined {
  const asked = proto(event.view)
  const kind = kindOf(event)?.type
  if (asked === undefined || kind === undefined) return undefined
  if (kind !== 'ipv4' && kind !== 'ipv6') return 'unknown'
  if (asked === 6 || asked === 17) return asked === 6 ? 'tcp' : 'udp'
  if (asked === 1 || asked === 58) return 'icmp'
  const type = socketType(event.view)
  if (type === SOCK_RAW) return 'raw'
  return asked === 0 && type === SOCK_STREAM
    ? 'tcp'
    : asked === 0 && type === SOCK_DGRAM
      ? 'udp'
      : 'unknown'
}
const proto = intOf('proto', new Set(['socket']))
const socketType = intOf('type', new Set(['socket']))
const [SOCK_STREAM, SOCK_DGRAM, SOCK_RAW] = [1, 2, 3]

const filter = { isFilterOnly: true, isPlain: true } as const
const either = { ...filter, values: 'endpoints' } as const

const fieldsOf = ([letter, what, side]: (typeof sides)[number]): Field[] => {
  const at = endpoint(side)
  return [
    row(`fd.${letter}ip`, 'ip', `${what} address`, (event) => at(event)?.ip),
    row(`fd.${letter}port`, 'port', `${what} port`, (event) => at(event)?.port),
    row(`fd.${letter}proto`, 'string', `${what} port as text`, (event) => {
      const port = at(event)?.port
      return port === undefined ? undefined : String(port)
    }),
    row(`fd.${letter}net`, 'net', `${what} network`, (event) => at(event)?.ip, filter),
    row(
      `fd.${letter}ip.name`,
      'string',
      `${what} address; a host's name is not resolved yet`,
      (event) => at(event)?.ip,
      { isPlain: true },
    ),
  ]
}

export const socketFields: readonly Field[] = [
  ...sides.flatMap(fieldsOf),
  row('fd.ip', 'ip', 'either address', (e) => endpoints(e)?.map(({ ip }) => ip), either),
  row('fd.port', 'port', 'either port', (e) => endpoints(e)?.map(({ port }) => port), either),
  row('fd.proto', 'port', 'either port', (e) => endpoints(e)?.map(({ port }) => port), either),
  row('fd.net', 'net', 'either network', (e) => endpoints(e)?.map(({ ip }) => ip), either),
  row('fd.l4proto', 'string', 'tcp, udp, icmp or raw', (event) => {
    const protocol = socket(event)?.protocol ?? madeProtocol(event)
    if (protocol === undefined) return kindOf(event) === undefined ? undefined : '<NA>'
    return protocol === 'unknown' ? '<NA>' : protocol
  }),
  row('fd.sockfamily', 'string', 'ip or unix', (event) => {
    const family = socket(event)?.family ?? kindOf(event)?.type
    if (family === 'unix') return 'unix'
    return family === 'ipv4' || family === 'ipv6' ? 'ip' : undefined
  }),
  row('fd.is_server', 'bool', 'whether the process is the one that was connected to', (event) => {
    const found = socket(event)
    if (found === undefined) return kindOf(event) === undefined ? undefined : false
    return found.family !== 'unix' && (found.role === 'server' || !isPair(found))
  }),
  row('fd.connected', 'bool', 'whether the socket is connected', (event) =>
    kindOf(event) === undefined ? undefined : isConnected(event),
  ),
  row('fd.name_changed', 'bool', 'whether the event gave the socket another peer', (event) => {
    if (kindOf(event) === undefined) return undefined
    return event.process?.isPeerNew ?? false
  }),
]
