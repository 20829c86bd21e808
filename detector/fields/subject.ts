/** What an event is about: the file or the socket behind its descriptor, as the kernel resolved it. */
import { type Event, type FileKind, derivedOf } from '../events/event.ts'
import { eventSet, intOf, socketOf, textOf } from '../events/parameter.ts'
import { events } from '../events/schema.ts'
import type { SocketTuple } from '../events/view.ts'
import { joinPath } from './paths.ts'

const opens = ['open', 'openat', 'openat2', 'creat', 'open_by_handle_at'] as const
const isOpen = eventSet(...opens)
/** Events that name their file twice: by what the caller passed and by what the kernel opened. */
const hasNames = eventSet('open', 'openat', 'openat2', 'creat')
/** Elsewhere `path` is what the caller passed. */
const resolves = new Set([...opens, 'dup', 'dup2', 'dup3', 'fchmod', 'setns', 'finit_module'])
const resolvedPath = textOf('path', resolves)
const name = textOf('name', new Set(opens))
const directory = textOf('dirpath')
const tuple = socketOf('tuple')
const address = socketOf('addr')
const inodeMode = intOf('inode_mode')
const descriptor = intOf('fd')
const result = intOf('res')
const domain = intOf('domain')
const dirDescriptor = intOf('dirfd')

/** The path that the kernel has for the descriptor. */
function path(event: Event): string | undefined {
  const derived = derivedOf(event)
  if (!derived.isPathKnown) {
    derived.isPathKnown = true
    derived.path = resolvedPath(event.view)
  }
  return derived.path
}

/** fd.name of a file: by `nameInUse` where the event has two, and the passed one where nothing was opened. */
export function fileName(event: Event): string | undefined {
  const { view } = event
  if (!hasNames[view.eventId]) return path(event)
  if (event.nameInUse === 'passed') return passedName(event)
  return path(event) ?? passedName(event)
}

/** The name as passed, joined to the directory that it starts at and normalised as text, which is Falco's fd.name. */
export function passedName(event: Event): string | undefined {
  const derived = derivedOf(event)
  if (!derived.isPassedNameKnown) {
    derived.isPassedNameKnown = true
    const text = name(event.view)
    derived.passedName = text === undefined ? undefined : joinPath(startOf(event), text)
  }
  return derived.passedName
}

/** The directory of a relative name, from the kernel; the process's own where the call takes no other. */
export function startOf(event: Event): string {
  const { view } = event
  const start = directory(view)
  if (start !== undefined) return start
  const from = dirDescriptor(view)
  const isOwn = from === undefined || from === AT_FDCWD
  return (isOwn ? event.process?.cwd : undefined) ?? '<UNKNOWN>'
}

export const AT_FDCWD = -100

/** fd.nameraw */
export const rawName = (event: Event): string | undefined =>
  hasNames[event.view.eventId] ? name(event.view) : path(event)

/** Whether the event's file goes by two names that differ, so that its rules are judged once with each. */
export function hasTwoNames(event: Event): boolean {
  if (!hasNames[event.view.eventId]) return false
  const kernel = path(event)
  // The usual case by far: an absolute path without links; interned, so this compares two pointers.
  if (kernel === undefined || kernel === name(event.view)) return false
  const passed = passedName(event)
  return passed !== undefined && passed !== kernel
}

/**
 * The socket behind the descriptor, or of a bind that failed the address it was for. Nobody connected a socket that
 * sends and receives datagrams, so who speaks first counts as the client.
 */
export function socket(event: Event): SocketTuple | undefined {
  const derived = derivedOf(event)
  if (!derived.isSocketKnown) {
    derived.isSocketKnown = true
    const found = tuple(event.view) ?? address(event.view)
    const role = found?.role === 'unknown' ? roleOf[event.view.eventId] : undefined
    derived.socket = found === undefined || role === undefined ? found : { ...found, role }
  }
  return derived.socket
}

const speaks = {
  sendto: 'client',
  sendmsg: 'client',
  recvfrom: 'server',
  recvmsg: 'server',
} as const
const roleOf = events.map(
  (row) => Object.entries(speaks).find(([event]) => event === row.name)?.[1],
)

/** Whether the socket is connected: not while a connect failed, nor between two datagrams. */
export function isConnected(event: Event): boolean {
  const found = tuple(event.view)
  if (found === undefined || found.role === 'unknown' || found.family === 'unix') return false
  const value = result(event.view)
  return found.remoteIp !== '' && (!isConnect[event.view.eventId] || value === 0)
}
const isConnect = eventSet('connect')

/** File types of `st_mode` (<sys/stat.h>) as Falco's fd.type and its character. */
const kinds = new Map<number, FileKind>([
  [0o100000, { type: 'file', character: 'f' }],
  [0o040000, { type: 'directory', character: 'd' }],
  [0o010000, { type: 'pipe', character: 'p' }],
  [0o020000, { type: 'file', character: 'f' }],
  [0o060000, { type: 'file', character: 'f' }],
])

const file: FileKind = { type: 'file', character: 'f' }
const bySocket = {
  ipv4: { type: 'ipv4', character: '4' },
  ipv6: { type: 'ipv6', character: '6' },
  unix: { type: 'unix', character: 'u' },
} as const

/** socket(2): by the family that was asked for (<linux/socket.h>). */
const byDomain = new Map<number, FileKind>([
  [1, bySocket.unix],
  [2, bySocket.ipv4],
  [10, bySocket.ipv6],
  [16, { type: 'netlink', character: 'n' }],
])

/** Kinds that the event itself tells. */
const byEvent = new Map<string, FileKind>([
  ['userfaultfd', { type: 'userfaultfd', character: 'u' }],
  ['bpf', { type: 'bpf', character: 'b' }],
  ['memfd_create', { type: 'memfd', character: 'm' }],
  ['io_uring_setup', { type: 'io_uring', character: 'r' }],
])
const kindOfEvent = events.map((row) => byEvent.get(row.name))
const anonymous: readonly (readonly [prefix: string, kind: FileKind])[] = [
  ['anon_inode:[eventfd]', { type: 'event', character: 'e' }],
  ['anon_inode:[signalfd]', { type: 'signalfd', character: 's' }],
  ['anon_inode:[eventpoll]', { type: 'eventpoll', character: 'l' }],
  ['anon_inode:inotify', { type: 'inotify', character: 'i' }],
  ['anon_inode:[timerfd]', { type: 'timerfd', character: 't' }],
  ['anon_inode:[io_uring]', { type: 'io_uring', character: 'r' }],
  ['anon_inode:bpf', { type: 'bpf', character: 'b' }],
  ['anon_inode:[userfaultfd]', { type: 'userfaultfd', character: 'u' }],
  ['anon_inode:[pidfd]', { type: 'pidfd', character: 'P' }],
  ['pipe:', { type: 'pipe', character: 'p' }],
  ['/memfd:', { type: 'memfd', character: 'm' }],
]

/** fd.type and fd.typechar; missing where the call opened nothing. */
export function kindOf(event: Event): FileKind | undefined {
  const derived = derivedOf(event)
  if (!derived.isKindKnown) {
    derived.isKindKnown = true
    derived.kind = findKind(event)
  }
  return derived.kind
}

function findKind(event: Event): FileKind | undefined {
  const { view } = event
  const found = socket(event)
  if (found !== undefined) return bySocket[found.family]
  const told = kindOfEvent[view.eventId]
  if (told !== undefined) return hasFailed(event) ? undefined : told
  const family = domain(view)
  if (family !== undefined) return hasFailed(event) ? undefined : byDomain.get(family)
  const mode = inodeMode(view)
  const opened = path(event)
  if (opened === undefined && mode === undefined) return undefined
  const special = opened?.startsWith('/') && !opened.startsWith('/memfd:') ? undefined : opened
  if (special !== undefined)
    for (const [prefix, kind] of anonymous) if (special.startsWith(prefix)) return kind
  return mode === undefined ? file : kinds.get(mode & 0o170000)
}

/** The call's return: `res`, or the descriptor that it made. */
export function returnOf(event: Event): number | undefined {
  const { view } = event
  const value = result(view)
  if (value !== undefined) return value
  return returnsDescriptor[view.eventId] ? descriptor(view) : undefined
}

/** Where the first parameter is the descriptor, it is also the result. */
const returnsDescriptor = events.map((row) => row.parameters[0]?.name === 'fd')

const hasFailed = (event: Event) => (returnOf(event) ?? 0) < 0

export const isOpenEvent = (event: Event) => isOpen[event.view.eventId] === true
export const descriptorOf = (event: Event) => {
  const own = descriptor(event.view)
  if (own !== undefined) return own
  return hasDupResult[event.view.eventId] ? result(event.view) : undefined
}
const hasDupResult = eventSet('dup', 'dup2', 'dup3', 'userfaultfd', 'io_uring_setup')
