/** evt.*: what is true of an event as such, its result and its parameters. */
import { events } from '../events/schema.ts'
import { eventSet, intOf } from '../events/parameter.ts'
import type { Event } from '../events/event.ts'
import { OPEN, openFlags } from './flags.ts'
import type { Field } from './index.ts'
import { errnoName } from './names.ts'
import { showAll } from './parameter-text.ts'
import { indexed, missingRow, row } from './row.ts'
import { descriptorOf, isOpenEvent, kindOf, returnOf, socket } from './subject.ts'

const names = events.map((event) => event.name)
const nameOf = (event: Event) => names[event.id]

/** The event's category in Falco's table (driver/event_table.c). */
const categories: Readonly<Record<string, string>> = {
  ...Object.fromEntries(
    `open openat openat2 creat open_by_handle_at link linkat symlink symlinkat unlink unlinkat rename renameat
     renameat2 mkdir mkdirat rmdir chmod fchmod fchmodat chdir fchdir mount umount2 userfaultfd`
      .split(/\s+/)
      .map((name) => [name, 'file']),
  ),
  ...Object.fromEntries(
    'connect accept accept4 bind listen socket'.split(' ').map((name) => [name, 'net']),
  ),
  ...Object.fromEntries(
    `execve execveat clone clone3 fork vfork procexit ptrace setns unshare chroot setsid setpgid capset prctl`
      .split(/\s+/)
      .map((name) => [name, 'process']),
  ),
  ...Object.fromEntries(
    'setuid setgid setreuid setregid setresuid setresgid'.split(' ').map((name) => [name, 'user']),
  ),
  memfd_create: 'memory',
}
const categoryOf = events.map((event) => categories[event.name])
const writes = eventSet('sendto', 'sendmsg')
const reads = eventSet('recvfrom', 'recvmsg', 'finit_module')
/** Their category is that of the descriptor. */
const talks = ['sendto', 'sendmsg', 'recvfrom', 'recvmsg'] as const
const byDescriptor = eventSet(...talks, 'dup', 'dup2', 'dup3', 'io_uring_setup')
const opensByHandle = eventSet('open_by_handle_at')
const isCreat = eventSet('creat')
const isSyscall = events.map((event) => event.name !== 'procexit')

function category(event: Event): string {
  if (!byDescriptor[event.id]) return categoryOf[event.id] ?? 'other'
  const type = kindOf(event)?.type
  if (type === 'file' || type === 'directory') return 'file'
  if (type === 'ipv4' || type === 'ipv6') return 'net'
  return type === 'unix' || type === 'pipe' || type === 'event' ? 'ipc' : 'unknown'
}

/** undefined for an event that is not the return of a call. */
const resultOf = (event: Event) => (isSyscall[event.id] ? returnOf(event) : undefined)

function failure(event: Event): number | undefined {
  const result = resultOf(event)
  return result === undefined ? undefined : Number(result < 0)
}

const flags = intOf('flags')
const mode = intOf('mode')
const fileState = intOf('file_state')
const EXECUTABLE = 0o111

/** The open flags as Falco has them; undefined for other events. */
const opened = (event: Event) =>
  isOpenEvent(event) && !isCreat[event.id]
    ? openFlags(flags(event.view) ?? 0, fileState(event.view) ?? 0)
    : undefined

/** Falco's O_RDONLY and O_WRONLY bits without the rest of its word: half of all rules ask for one of them. */
const opensWith = (one: number, both: number) => (event: Event) => {
  if (!isOpenEvent(event) || isCreat[event.id]) return false
  const access = (flags(event.view) ?? 0) & 3
  return access === one || access === both
}

const isOpenFor = (bit: number) => (event: Event) => ((opened(event) ?? 0) & bit) !== 0

function isOpenExec(event: Event): boolean {
  const creates = isCreat[event.id] || isOpenFor(OPEN.create | OPEN.tmpfile)(event)
  if (!creates || opensByHandle[event.id]) return false
  return ((mode(event.view) ?? 0) & EXECUTABLE) !== 0
}

function isOpenCreate(event: Event): boolean {
  const state = fileState(event.view) ?? 0
  if (isCreat[event.id]) return (state & 1) !== 0
  const word = opened(event) ?? 0
  return (word & OPEN.created) !== 0 || ((word & OPEN.tmpfile) !== 0 && failure(event) === 0)
}

const ofType =
  (isOne: (type: string | undefined) => boolean) =>
  (event: Event): number | undefined =>
    isOne(category(event)) ? failure(event) : undefined

export const eventFields: readonly Field[] = [
  row('evt.type', 'string', 'name of the system call or event: openat', nameOf),
  indexed(
    'evt.type.is',
    'uint',
    '1 for events of the type in brackets, 0 for others',
    (argument) => {
      const id = events.findIndex((event) => event.name === argument)
      return (event) => Number(event.id === id)
    },
    { argument: 'required' },
  ),
  row('syscall.type', 'string', 'name of the system call, missing for other events', (event) =>
    isSyscall[event.id] ? nameOf(event) : undefined,
  ),
  row('evt.category', 'string', 'file, net, process, user, memory, ipc, other', category),
  row('evt.cpu', 'int', 'processor on which the event happened', ({ view }) => view.cpu),
  row('evt.args', 'string', 'all parameters, as name=value', showAll),
  row('evt.info', 'string', 'the same as evt.args', showAll),
  row('evt.res', 'string', 'SUCCESS, or the name of the error: ENOENT', (event) => {
    const result = resultOf(event)
    if (result === undefined) return undefined
    return result >= 0 ? 'SUCCESS' : errnoName(result)
  }),
  row('evt.rawres', 'int', 'what the call returned, negative for an error', resultOf),
  row('evt.failed', 'bool', 'whether the call returned an error', (event) => {
    const failed = failure(event)
    return failed === undefined ? undefined : failed === 1
  }),
  row('evt.is_io', 'bool', 'whether it reads or writes a descriptor', (event) =>
    Boolean(reads[event.id] || writes[event.id]),
  ),
  row('evt.is_io_read', 'bool', 'whether it reads from a descriptor', (event) => reads[event.id]),
  row('evt.is_io_write', 'bool', 'whether it writes to a descriptor', (event) => writes[event.id]),
  row('evt.io_dir', 'string', 'write or read', (event) => {
    if (writes[event.id]) return 'write'
    return reads[event.id] ? 'read' : undefined
  }),
  row('evt.is_wait', 'bool', 'whether it makes the thread wait', () => false),
  row('evt.is_syslog', 'bool', 'whether it writes to /dev/log', (event) =>
    Boolean(writes[event.id] && isSyslog(event)),
  ),
  row('evt.count', 'uint', 'always 1', () => 1),
  row('evt.count.error', 'uint', '1 for a call that failed', failure),
  row(
    'evt.count.error.file',
    'uint',
    '1 for a call on a file that failed',
    ofType((type) => type === 'file'),
  ),
  row(
    'evt.count.error.net',
    'uint',
    '1 for a call on the network that failed',
    ofType((type) => type === 'net'),
  ),
  row(
    'evt.count.error.memory',
    'uint',
    '1 for a call on memory that failed',
    ofType((type) => type === 'memory'),
  ),
  row(
    'evt.count.error.other',
    'uint',
    '1 for another call that failed',
    ofType((type) => type !== 'file' && type !== 'net' && type !== 'memory'),
  ),
  row('evt.count.exit', 'uint', '1 for the return of a call', (event) =>
    isSyscall[event.id] ? 1 : undefined,
  ),
  row('evt.is_open_read', 'bool', 'opened for reading', opensWith(0, 2)),
  row('evt.is_open_write', 'bool', 'opened for writing', opensWith(1, 2)),
  row('evt.is_open_exec', 'bool', 'created with execute permission', isOpenExec),
  row('evt.is_open_create', 'bool', 'the file was created by this open', isOpenCreate),
  row('evt.dir', 'string', 'always <: events are the return of calls', () => '<', {
    isDeprecated: true,
  }),
  ...['evt.latency', 'evt.latency.s', 'evt.latency.ns', 'evt.wait_latency'].map((name) =>
    row(name, 'reltime', 'always 0: there are no enter events', () => 0n, { isDeprecated: true }),
  ),
  row('evt.latency.human', 'string', 'always 0ns', () => '0ns', { isDeprecated: true }),
  missingRow('evt.latency.quantized', 'uint', 'for tables of sysdig only', { isDeprecated: true }),
]

const isSyslog = (event: Event) =>
  descriptorOf(event) !== undefined && socket(event)?.path === '/dev/log'
