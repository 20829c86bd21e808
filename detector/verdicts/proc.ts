/** What /proc says of processes. Read synchronously: a verdict's look at the world must not be spread over time. */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import type { ProcessIdentity } from '../../contract/alert.ts'
import { isInFirstPidNamespace } from '../scope/pid-namespace.ts'

/** Names one process for ever: pid and start in clock ticks of 10 ms since boot (USER_HZ is 100 on every Linux ABI). */
export interface ProcessRef {
  readonly pid: number
  readonly startTicks: number
  /** Comm, for people. */
  readonly name: string
}

/** Of /proc/PID/stat (proc_pid_stat(5)). */
export interface ProcessStat extends ProcessRef {
  /** R, S, D, T (stopped), t (traced), Z (dead, not reaped), … */
  readonly state: string
  readonly parentPid: number
  readonly sessionId: number
  readonly isKernelThread: boolean
}

const NS_PER_TICK = 10_000_000n
const PF_KTHREAD = 0x0020_0000

/** The kernel divides start_boottime the same way before it prints it (fs/proc/array.c, nsec_to_clock_t). */
export const refOf = ({ pid, startTimeNs, name }: ProcessIdentity): ProcessRef => ({
  pid,
  startTicks: Number(BigInt(startTimeNs) / NS_PER_TICK),
  name,
})

export const isSame = (a: ProcessRef, b: ProcessRef): boolean =>
  a.pid === b.pid && a.startTicks === b.startTicks

/** Dead means gone or a zombie: either way it runs nothing any more. */
export const isDead = (stat: ProcessStat | undefined): boolean =>
  stat === undefined || stat.state === 'Z' || stat.state === 'X'

export const label = ({ name, pid }: ProcessRef): string => `${name} (${pid})`

/** Undefined when there is no such process. */
export function readStat(pid: number): ProcessStat | undefined {
  const text = readProc(pid, 'stat')
  return text === undefined ? undefined : parseStat(text)
}

/** The process that a reference names, if it still runs. */
export function find(ref: ProcessRef): ProcessStat | undefined {
  const stat = readStat(ref.pid)
  return stat !== undefined && isSame(stat, ref) && !isDead(stat) ? stat : undefined
}

/** Every process that runs now, kernel threads and zombies left out. */
export function running(): ProcessStat[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((name) => readStat(Number(name)))
    .filter((stat) => stat !== undefined)
    .filter((stat) => !isDead(stat) && !stat.isKernelThread)
}

/** The comm may hold spaces and parentheses, so the fields are counted from the last one. */
function parseStat(text: string): ProcessStat | undefined {
  const open = text.indexOf('(')
  const close = text.lastIndexOf(')')
  if (open < 0 || close < open) return undefined
  const fields = text.slice(close + 2).split(' ')
  const field = (number: number): number => Number(fields[number - 3])
  return {
    pid: Number(text.slice(0, open)),
    name: text.slice(open + 1, close),
    state: fields[0] ?? '',
    parentPid: field(4),
    sessionId: field(6),
    isKernelThread: (field(9) & PF_KTHREAD) !== 0,
    startTicks: field(22),
  }
}

/** A file of /proc/PID as text; undefined when the process is gone. */
export function readProc(pid: number, name: string): string | undefined {
  return orGone(() => readFileSync(`/proc/${pid}/${name}`, 'utf8'))
}

/** A link of /proc/PID; undefined when the process is gone or has none (a kernel thread's exe). */
export function readProcLink(pid: number, name: string): string | undefined {
  return orGone(() => readlinkSync(`/proc/${pid}/${name}`))
}

/**
 * The mount namespace of the host, by kthreadd: what is hidden of pid 1 (some security modules do) is not hidden of it.
 * Both are in the first namespace of each kind. A node that is a container has no kthreadd, and pid 1 is its own.
 */
export const hostMountNamespace = (): string =>
  readProcLink(isInFirstPidNamespace() ? 2 : 1, 'ns/mnt') ?? ''

/** The host's root directory, as a path that a detector inside a container can open too. */
export function hostRoot(): string {
  if (readProcLink(process.pid, 'ns/mnt') === hostMountNamespace()) return '/'
  return '/proc/1/root'
}

const GONE = new Set(['ENOENT', 'ESRCH', 'EACCES'])

function orGone(read: () => string): string | undefined {
  try {
    return read()
  } catch (error) {
    if (GONE.has(errorCode(error))) return undefined
    throw error
  }
}

/** Without DAC_READ_SEARCH the environment and the descriptors of other users' processes are closed to us. */
export function orUnreadable(read: () => string | undefined): string | undefined {
  try {
    return read()
  } catch (error) {
    if (errorCode(error) === 'EACCES') return undefined
    throw error
  }
}

/** Of any error: Node's own are not of this realm's Error class inside a test. */
export function errorCode(error: unknown): string {
  return typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : ''
}
