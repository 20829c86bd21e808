/** Whom a process's sockets talk to: a rule wants each new peer once, not each datagram to it. */
import { intOf, socketOf } from '../events/parameter.ts'
import type { EventView, SocketTuple } from '../events/view.ts'
import type { Process } from './process.ts'
import type { State } from './state.ts'

const descriptor = intOf('fd')
const tuple = socketOf('tuple')

/** Descriptors of one process that are remembered; beyond that all are forgotten, and told once more. */
const LIMIT = 256

export function met(view: EventView, _state: State, process: Process): void {
  const socket = tuple(view)
  const fd = descriptor(view)
  process.isPeerNew = false
  if (socket === undefined || fd === undefined) return
  const peer = nameOf(socket)
  process.peers ??= new Map()
  if (process.peers.get(fd) === peer) return
  if (process.peers.size >= LIMIT) process.peers.clear()
  process.peers.set(fd, peer)
  process.isPeerNew = true
}

/** With the own port, which is another when the descriptor is another socket's now. */
const nameOf = ({ family, path, localPort, remoteIp, remotePort }: SocketTuple) =>
  family === 'unix' ? path : `${localPort} ${remoteIp} ${remotePort}`
