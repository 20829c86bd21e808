/** What each parameter means, so that it can be shown: by its name, and by its event where the name has two meanings. */
import * as enums from './enums.ts'
import * as flags from './flags.ts'
import type { EventRow } from '../events/schema.ts'
import type { Names } from './names.ts'

export type Kind =
  | { readonly as: 'decimal' | 'hex' | 'octal' | 'text' | 'bytes' | 'socket' | 'time' }
  | { readonly as: 'fd' | 'errno' | 'pid' | 'uid' | 'gid' | 'signal' | 'open' | 'made' }
  | { readonly as: 'path'; readonly from?: string }
  | { readonly as: 'flags' | 'enum' | 'mode'; readonly names: Names }

const decimal: Kind = { as: 'decimal' }
const hex: Kind = { as: 'hex' }
const path: Kind = { as: 'path' }
const fd: Kind = { as: 'fd' }
const pid: Kind = { as: 'pid' }
const uid: Kind = { as: 'uid' }
const gid: Kind = { as: 'gid' }
const time: Kind = { as: 'time' }
const flagged = (names: Names): Kind => ({ as: 'flags', names })
const named = (names: Names): Kind => ({ as: 'enum', names })

const kinds = (kind: Kind, names: string) => names.split(' ').map((name) => [name, kind] as const)

/** driver/event_table.c of falcosecurity/libs, by parameter. */
const byName = new Map<string, Kind>([
  ...kinds(fd, 'fd fd1 fd2 oldfd newfd dirfd olddirfd newdirfd olddir newdir linkdirfd mountfd'),
  ...kinds(pid, 'tid pid ptid vpgid pgid vtid vpid reaper_tid child_pid child_tid'),
  ...kinds(uid, 'uid ruid euid suid loginuid'),
  ...kinds(gid, 'gid rgid egid sgid'),
  ...kinds(hex, 'dev cap_inheritable cap_permitted cap_effective addr data'),
  ...kinds(time, 'exe_ino_ctime exe_ino_mtime'),
  ...kinds(path, 'name path oldpath newpath linkpath filename dir trusted_exepath'),
  ['res', { as: 'errno' }],
  ['ret', { as: 'errno' }],
  ['sig', { as: 'signal' }],
  ['mode', { as: 'octal' }],
  ['domain', named(enums.socketFamilyNames)],
  ['request', named(enums.ptraceNames)],
  ['cmd', named(enums.bpfNames)],
  ['option', named(enums.prctlNames)],
  ['nstype', flagged(flags.cloneFlagNames)],
  ['resolve', flagged(flags.resolveFlagNames)],
  ['creat_flags', flagged(flags.creatFlagNames)],
])

const clone = flagged(flags.cloneFlagNames)
const execute = flagged(flags.executeFlagNames)
const open: Kind = { as: 'open' }
/** O_CLOEXEC and O_NONBLOCK of a new descriptor, which is opened for nothing in particular. */
const made: Kind = { as: 'made' }
const mode: Kind = { as: 'mode', names: flags.modeNames }

const byEvent: Readonly<Record<string, Readonly<Record<string, Kind>>>> = {
  execve: { flags: execute },
  execveat: { flags: execute },
  clone: { res: pid, flags: clone, uid: decimal, gid: decimal },
  clone3: { res: pid, flags: clone, uid: decimal, gid: decimal },
  fork: { res: pid, flags: clone, uid: decimal, gid: decimal },
  vfork: { res: pid, flags: clone, uid: decimal, gid: decimal },
  setsid: { res: pid },
  open: { flags: open },
  openat: { flags: open, name: { as: 'path', from: 'dirpath' } },
  openat2: { flags: open, name: { as: 'path', from: 'dirpath' } },
  open_by_handle_at: { flags: open },
  socket: { flags: made },
  accept4: { flags: hex },
  dup: { res: fd },
  dup2: { res: fd },
  dup3: { res: fd, flags: made },
  userfaultfd: { flags: made },
  linkat: {
    flags: flagged(flags.linkatFlagNames),
    oldpath: { as: 'path', from: 'olddirpath' },
    newpath: { as: 'path', from: 'newdirpath' },
  },
  renameat: {
    oldpath: { as: 'path', from: 'olddirpath' },
    newpath: { as: 'path', from: 'newdirpath' },
  },
  renameat2: {
    flags: flagged(flags.renameFlagNames),
    oldpath: { as: 'path', from: 'olddirpath' },
    newpath: { as: 'path', from: 'newdirpath' },
  },
  unlinkat: { flags: flagged(flags.unlinkatFlagNames) },
  mkdir: { mode: hex },
  mkdirat: { mode: hex },
  chmod: { mode },
  fchmod: { mode },
  fchmodat: { mode },
  unshare: { flags: clone },
  mount: { flags: flagged(flags.mountFlagNames), dev: { as: 'text' } },
  umount2: { flags: flagged(flags.umountFlagNames) },
  memfd_create: { flags: flagged(flags.memfdFlagNames), name: { as: 'text' } },
  finit_module: { flags: flagged(flags.moduleFlagNames) },
  io_uring_setup: { flags: flagged(flags.ringFlagNames) },
  sendto: { data: { as: 'bytes' } },
  sendmsg: { data: { as: 'bytes' } },
  recvfrom: { data: { as: 'bytes' } },
  recvmsg: { data: { as: 'bytes' } },
  bind: { addr: { as: 'socket' } },
  connect: { addr: { as: 'socket' } },
  chdir: { path: { as: 'text' } },
}

/** The kind of a parameter; one without a name above is its number, or its text. */
export function kindOf(event: string, name: string, type: string): Kind {
  const known = byEvent[event]?.[name] ?? byName.get(name)
  if (known !== undefined) return known
  if (type === 'int') return decimal
  return type === 'socket' ? { as: 'socket' } : { as: type === 'bytes' ? 'bytes' : 'text' }
}

/** Where our own parameters begin; `path`, `tuple` and `cwd` are Falco's in other events. */
const ours = new Set('dirpath olddirpath newdirpath inode_mode child_pid sid'.split(' '))
const oursIn: Readonly<Record<string, string>> = {
  open: 'path',
  openat: 'path',
  openat2: 'path',
  creat: 'path',
  dup: 'path',
  dup2: 'path',
  dup3: 'path',
  fchmod: 'path',
  setns: 'path',
  finit_module: 'path',
  bind: 'tuple',
  listen: 'tuple',
  chdir: 'cwd',
  fchdir: 'cwd',
}

/** How many of an event's parameters, from the first, are Falco's. */
export function countOfFalco({ name, parameters }: EventRow): number {
  const first = parameters.findIndex(
    (parameter) => ours.has(parameter.name) || oursIn[name] === parameter.name,
  )
  return first < 0 ? parameters.length : first
}
