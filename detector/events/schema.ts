/**
 * THE table: one row an event, its parameters in wire order under Falco's names (falco-compat 4.2), ours after them.
 * bpf/schema.h is printed from it (header.ts); view, fields and replay read records by it.
 *
 * A record, little-endian: header (HEADER_BYTES) · one 8-byte slot a parameter · the bytes of variable parameters.
 * A scalar's slot is its value as a signed 64-bit number; MISSING_SCALAR stands for "could not be had".
 * A variable parameter's slot is u32 offset from the record's start and u32 length | TRUNCATED_BIT;
 * offset 0 is a missing value. Text carries no NUL at its end; a list's items are separated by NUL.
 */

/** `text`, `path`: bytes · `list`: NUL-separated strings · `bytes`: opaque · `socket`: SOCKET_LAYOUT in view.ts. */
const parameterTypes = ['int', 'text', 'path', 'list', 'bytes', 'socket'] as const
export type ParameterType = (typeof parameterTypes)[number]

/** Which ring the record takes: a flood of one class cannot push out another (design 7). */
export const recordClasses = ['process', 'file', 'network'] as const
export type RecordClass = (typeof recordClasses)[number]

export interface EventRow {
  /** Falco's event name, what `evt.type` prints. */
  readonly name: string
  readonly class: RecordClass
  readonly parameters: readonly Parameter[]
}

export interface Parameter {
  readonly name: string
  readonly type: ParameterType
}

/** `row('openat', 'file', 'fd dirfd name:path flags')`: parameters are ints unless they say otherwise. */
const row = (name: string, recordClass: RecordClass, parameters: string): EventRow => ({
  name,
  class: recordClass,
  parameters: parameters
    .trim()
    .split(/\s+/)
    .map((text) => {
      const [parameter = '', type] = text.split(':')
      return { name: parameter, type: parameterTypes.find((known) => known === type) ?? 'int' }
    }),
})

/**
 * Values are the kernel's own: O_* and CLONE_* as the caller passed them, modes with all their bits, `res` and `fd`
 * the call's return. Only the `flags` of execve are Falco's EXE_* bits. `path` is what the kernel resolved a
 * descriptor to, `dirpath` the directory at which a relative name starts (cwd or dirfd).
 */
const opened = 'path:path dirpath:path inode_mode file_state'

/** Bits of `file_state`. */
export const fileState = { created: 1, upperLayer: 2, lowerLayer: 4 } as const

/** Of the new image; `sid` and `vpid` are ours, pids in the initial namespace but for those that begin with v. */
const executed = `res exe:text args:list tid pid ptid cwd:path fdlimit pgft_maj pgft_min vm_size vm_rss vm_swap comm:text
  cgroups:list env:list tty vpgid loginuid flags cap_inheritable cap_permitted cap_effective
  exe_ino exe_ino_ctime exe_ino_mtime uid trusted_exepath:path pgid gid`
const executedOurs = 'sid vpid pidns_init_start_ts'

/** The header names the parent. A child of the same pid is a thread. `child_start` is as the header's startTimeNs. */
const cloned = `res exe:text args:list tid pid ptid cwd:path fdlimit pgft_maj pgft_min vm_size vm_rss vm_swap comm:text
  cgroups:list flags uid gid vtid vpid pidns_init_start_ts child_pid child_tid child_start sid pgid vpgid`

/** A unix peer, or both ends of a connection, as the kernel's socket has them. */
const talk = 'tuple:socket'

/** Index in this list = event id on the wire; append only. */
export const events: readonly EventRow[] = [
  row('execve', 'process', `${executed} filename:path ${executedOurs}`),
  row('openat', 'file', `fd dirfd name:path flags mode dev ino ${opened}`),
  row('execveat', 'process', `${executed} ${executedOurs} filename:path`),
  row('clone', 'process', cloned),
  row('clone3', 'process', cloned),
  row('fork', 'process', cloned),
  row('vfork', 'process', cloned),
  row('procexit', 'process', 'status ret sig core reaper_tid'),
  row('open', 'file', `fd name:path flags mode dev ino ${opened}`),
  row('openat2', 'file', `fd dirfd name:path flags mode resolve dev ino ${opened}`),
  row('creat', 'file', `fd name:path mode dev ino creat_flags ${opened}`),
  row('open_by_handle_at', 'file', 'fd mountfd flags path:path dev ino inode_mode file_state'),
  row('connect', 'network', `res ${talk} fd addr:socket`),
  row('accept', 'network', `fd ${talk} queuepct queuelen queuemax`),
  row('accept4', 'network', `fd ${talk} queuepct queuelen queuemax flags`),
  row('bind', 'network', `res addr:socket fd ${talk}`),
  row('listen', 'network', `res fd backlog ${talk}`),
  row('socket', 'network', 'fd domain type proto flags'),
  row('sendto', 'network', `res data:bytes fd size ${talk}`),
  row('sendmsg', 'network', `res data:bytes fd size ${talk}`),
  row('recvfrom', 'network', `res data:bytes ${talk} fd size`),
  row('recvmsg', 'network', `res size data:bytes ${talk} msgcontrol:bytes fd`),
  row('dup', 'process', `res oldfd path:path ${talk} inode_mode`),
  row('dup2', 'process', `res oldfd newfd path:path ${talk} inode_mode`),
  row('dup3', 'process', `res oldfd newfd flags path:path ${talk} inode_mode`),
  row('ptrace', 'process', 'res addr data request pid'),
  row('link', 'file', 'res oldpath:path newpath:path dirpath:path'),
  row(
    'linkat',
    'file',
    'res olddir oldpath:path newdir newpath:path flags olddirpath:path newdirpath:path',
  ),
  row('symlink', 'file', 'res target:path linkpath:path dirpath:path'),
  row('symlinkat', 'file', 'res target:path linkdirfd linkpath:path dirpath:path'),
  row('unlink', 'file', 'res path:path dirpath:path'),
  row('unlinkat', 'file', 'res dirfd name:path flags dirpath:path'),
  row('rename', 'file', 'res oldpath:path newpath:path dirpath:path'),
  row(
    'renameat',
    'file',
    'res olddirfd oldpath:path newdirfd newpath:path olddirpath:path newdirpath:path',
  ),
  row(
    'renameat2',
    'file',
    'res olddirfd oldpath:path newdirfd newpath:path flags olddirpath:path newdirpath:path',
  ),
  row('mkdir', 'file', 'res path:path mode dirpath:path'),
  row('mkdirat', 'file', 'res dirfd path:path mode dirpath:path'),
  row('rmdir', 'file', 'res path:path dirpath:path'),
  row('chmod', 'file', 'res filename:path mode dirpath:path'),
  row('fchmod', 'file', 'res fd mode path:path'),
  row('fchmodat', 'file', 'res dirfd filename:path mode dirpath:path'),
  row('setuid', 'process', 'res uid'),
  row('setgid', 'process', 'res gid'),
  row('setreuid', 'process', 'res ruid euid'),
  row('setregid', 'process', 'res rgid egid'),
  row('setresuid', 'process', 'res ruid euid suid'),
  row('setresgid', 'process', 'res rgid egid sgid'),
  row('setsid', 'process', 'res'),
  row('setpgid', 'process', 'res pid pgid'),
  row('capset', 'process', 'res cap_inheritable cap_permitted cap_effective'),
  row('prctl', 'process', 'res option arg2_str:text arg2_int'),
  row('chdir', 'process', 'res path:text cwd:path'),
  row('fchdir', 'process', 'res fd cwd:path'),
  row('chroot', 'process', 'res path:path dirpath:path'),
  row('setns', 'process', 'res fd nstype path:path'),
  row('unshare', 'process', 'res flags'),
  row('mount', 'process', 'res dev:text dir:path type:text flags dirpath:path'),
  row('umount2', 'process', 'res name:path flags dirpath:path'),
  row('bpf', 'process', 'fd cmd'),
  row('init_module', 'process', 'res img:bytes length uargs:text'),
  row('finit_module', 'process', 'res fd uargs:text flags path:path'),
  row('memfd_create', 'process', 'fd name:text flags'),
  row('userfaultfd', 'process', 'res flags'),
  row(
    'io_uring_setup',
    'process',
    'res entries sq_entries cq_entries flags sq_thread_cpu sq_thread_idle features',
  ),
  row('fchmodat2', 'file', 'res dirfd filename:path mode flags dirpath:path'),
  row('io_uring_submit', 'file', 'opcode fd path:path tuple:socket'),
]

export const HEADER_BYTES = 64
export const TRUNCATED_BIT = 0x8000_0000
/** -2^63: a scalar that could not be had. */
export const MISSING_SCALAR = -0x8000_0000_0000_0000n

/** Byte offsets of the header's members. */
export const header = {
  /** u64, CLOCK_BOOTTIME nanoseconds at which the program ran. */
  timeNs: 0,
  /** u32, thread group id in the initial pid namespace (what people call the pid). */
  pid: 8,
  /** u32 */
  tid: 12,
  /** u64, bpf_get_current_cgroup_id(): inode of the directory in the unified tree. */
  cgroupId: 16,
  /** u64, task->group_leader->start_boottime: with pid, the process's identity. */
  startTimeNs: 24,
  /** u16, index in `events`. */
  eventId: 32,
  /** u16, recordFlags. */
  flags: 34,
  /** u16 */
  cpu: 36,
  /** u16, number of slots. */
  slots: 38,
  /** u32, uid in the initial user namespace, at event time (credentials can change after exec). */
  userId: 40,
  /** u32, real parent's thread group id. */
  parentPid: 44,
  /** u64, one bit a strike that matched in the kernel (index in the node's strike table). */
  strikes: 48,
  /** u32, bytes of the whole record. */
  length: 56,
  /** u32, spare. */
  spare: 60,
} as const

export const recordFlags = {
  /** Some variable parameter was cut. */
  truncated: 1,
  /** The call came through the 32-bit entry. */
  compat: 2,
  /** The kernel sent SIGKILL inside this call. */
  struck: 4,
  /** The kernel would have sent SIGKILL (audit). */
  wouldStrike: 8,
  /** Submitted through io_uring. */
  ioUring: 16,
  /** Not an event: a task that already ran when the detector started. */
  scanned: 32,
} as const
