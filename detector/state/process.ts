/** What is known of a process: from exec, clone and exit records, from the start-up scan, and last from /proc. */
import type { Container } from './container.ts'

export interface Process {
  /** Thread group id in the initial pid namespace. */
  readonly pid: number
  /**
   * The leader's start on the boot clock: with the pid, the process's identity. From /proc it is cut to 10 ms until
   * the first record of the process tells all of it.
   */
  startTimeNs: bigint
  /** Who forked it. Kept when that one exits, so a double fork hides nothing; absent for the first processes. */
  parent: Process | undefined
  /** The forking process, also where it is not known itself. */
  parentPid: number
  /** Processes above it in the table: bounds the lineage that is kept alive (MAX_LINEAGE). */
  depth: number
  /** An exec, or the scan, has told what it runs: a late clone record must not take that back. */
  isImageKnown: boolean
  /** The comm: at most 15 bytes, and the process may change it. */
  name: string | undefined
  /** argv[0], as the caller chose it. */
  exe: string | undefined
  /** Path of the file that runs, from the kernel. */
  exePath: string | undefined
  /** argv without argv[0]. */
  args: readonly string[]
  env: readonly string[]
  cwd: string | undefined
  cgroups: readonly string[]
  /** `host` outside containers, undefined while the cgroup is not known. */
  containerId: string | undefined
  fullContainerId: string | undefined
  /** What is known of that container; undefined on the host. */
  container: Container | undefined
  /** Device number of the controlling terminal, 0 for none. */
  tty: number | undefined
  sessionId: number | undefined
  groupPid: number | undefined
  virtualGroupPid: number | undefined
  virtualPid: number | undefined
  userId: number | undefined
  groupId: number | undefined
  /** -1 when nobody logged in. */
  loginUserId: number | undefined
  /** Falco's EXE_* bits. */
  exeFlags: number
  exeInode: number | undefined
  /** Unix nanoseconds. */
  exeChangedNs: bigint | undefined
  exeModifiedNs: bigint | undefined
  capInheritable: bigint | undefined
  capPermitted: bigint | undefined
  capEffective: bigint | undefined
  fdLimit: number | undefined
  majorFaults: number | undefined
  minorFaults: number | undefined
  /** Kilobytes at the last exec or clone. */
  vmSize: number | undefined
  vmRss: number | undefined
  vmSwap: number | undefined
  /** Boot clock: when the init of its pid namespace started. */
  pidNamespaceStartNs: bigint | undefined
  /** By descriptor, whom its datagrams last went to or came from; undefined until it sends or receives one. */
  peers: Map<number, string> | undefined
  /** Whether its latest datagram, or connect, was with another peer than the one before. */
  isPeerNew: boolean
  /** Boot clock; undefined while it lives. */
  exitedNs: bigint | undefined
  /** The entry whose pid it took over, while late events of that one may come. */
  replaced: Process | undefined
  /** proc.cmdline once somebody asked; emptied when what it is made of changes. */
  commandLine: string | undefined
}

/** Every member in one order, so that all processes have the same hidden class. */
export function newProcess(pid: number, startTimeNs: bigint): Process {
  return {
    pid,
    startTimeNs,
    parent: undefined,
    parentPid: 0,
    depth: 0,
    isImageKnown: false,
    name: undefined,
    exe: undefined,
    exePath: undefined,
    args: none,
    env: none,
    cwd: undefined,
    cgroups: none,
    containerId: undefined,
    fullContainerId: undefined,
    container: undefined,
    tty: undefined,
    sessionId: undefined,
    groupPid: undefined,
    virtualGroupPid: undefined,
    virtualPid: undefined,
    userId: undefined,
    groupId: undefined,
    loginUserId: undefined,
    exeFlags: 0,
    exeInode: undefined,
    exeChangedNs: undefined,
    exeModifiedNs: undefined,
    capInheritable: undefined,
    capPermitted: undefined,
    capEffective: undefined,
    fdLimit: undefined,
    majorFaults: undefined,
    minorFaults: undefined,
    vmSize: undefined,
    vmRss: undefined,
    vmSwap: undefined,
    pidNamespaceStartNs: undefined,
    peers: undefined,
    isPeerNew: false,
    exitedNs: undefined,
    replaced: undefined,
    commandLine: undefined,
  }
}

const none: readonly string[] = []

/** USER_HZ is 100 on every architecture that Linux has today (<asm/param.h>). */
export const TICK_NS = 10_000_000n

/** Whether a start is this process's; one that /proc cut to ticks takes on the exact one. */
export function hasStart(process: Process, startTimeNs: bigint): boolean {
  if (process.startTimeNs === startTimeNs) return true
  if (
    process.startTimeNs % TICK_NS !== 0n ||
    startTimeNs / TICK_NS !== process.startTimeNs / TICK_NS
  )
    return false
  process.startTimeNs = startTimeNs
  return true
}

/** What a forked child has of its parent until it executes; strings and lists are shared, not copied. */
export function inherit(child: Process, parent: Process): void {
  child.name = parent.name
  child.exe = parent.exe
  child.exePath = parent.exePath
  child.args = parent.args
  child.env = parent.env
  child.cwd = parent.cwd
  child.cgroups = parent.cgroups
  child.containerId = parent.containerId
  child.fullContainerId = parent.fullContainerId
  child.container = parent.container
  child.tty = parent.tty
  child.sessionId = parent.sessionId
  child.groupPid = parent.groupPid
  child.virtualGroupPid = parent.virtualGroupPid
  child.userId = parent.userId
  child.groupId = parent.groupId
  child.loginUserId = parent.loginUserId
  child.exeFlags = parent.exeFlags
  child.exeInode = parent.exeInode
  child.exeChangedNs = parent.exeChangedNs
  child.exeModifiedNs = parent.exeModifiedNs
  child.capInheritable = parent.capInheritable
  child.capPermitted = parent.capPermitted
  child.capEffective = parent.capEffective
  child.fdLimit = parent.fdLimit
  child.pidNamespaceStartNs = parent.pidNamespaceStartNs
  child.commandLine = parent.commandLine
}

/** `comm args`, as Falco prints a command line: the name, not argv[0]. */
export function commandLineOf(process: Process): string | undefined {
  if (process.commandLine === undefined && process.name !== undefined)
    process.commandLine =
      process.args.length === 0 ? process.name : `${process.name} ${process.args.join(' ')}`
  return process.commandLine
}

/** The n-th process above: 0 is itself, 1 who forked it. */
export function ancestor(process: Process | undefined, level: number): Process | undefined {
  let found = process
  for (let step = 0; step < level && found !== undefined; step++) found = found.parent
  return found
}
