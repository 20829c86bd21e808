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

/** After Falco's own parameters: the path of the opened file, and the directory that a relative name starts at. */
const opened = 'path:path dirpath:path'

/** Index in this list = event id on the wire; append only. */
export const events: readonly EventRow[] = [
  row(
    'execve',
    'process',
    `res exe:text args:list tid pid ptid cwd:path fdlimit pgft_maj pgft_min vm_size vm_rss vm_swap comm:text
     cgroups:list env:list tty vpgid loginuid flags cap_inheritable cap_permitted cap_effective
     exe_ino exe_ino_ctime exe_ino_mtime uid trusted_exepath:path pgid gid filename:path`,
  ),
  row('openat', 'file', `fd dirfd name:path flags mode dev ino ${opened}`),
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
