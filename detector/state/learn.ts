/** Learns from /proc who a record's unknown process is, at most so often that a storm of them costs nothing. */
import { isSystemError } from './accounts.ts'
import type { ContainerTable } from './container-table.ts'
import { containerOf } from './containers.ts'
import { pidsIn, readProcess } from './proc-files.ts'
import { type Process, hasStart, inherit } from './process.ts'
import type { ProcessTable } from './processes.ts'

export interface LearnOptions {
  readonly proc: string
  readonly containers: ContainerTable
  /** Look-ups that may be made in a second of event time; what is beyond is taken from the record alone. */
  readonly perSecond: number
  /** Whether a scan enters it; all if not said. */
  readonly covers?: ((pid: number) => boolean) | undefined
}

export interface Learner {
  /** Fills in `process` (entered from a record's header) and hangs it under its parent. */
  learn(process: Process, parentPid: number, nowNs: bigint): void
  /** Whoever has the pid, from the table or else from /proc; undefined when neither knows. */
  processOf(pid: number, nowNs: bigint): Process | undefined
  /** Enters every process of /proc that the table does not have: where the kernel's own scan is missing. */
  scan(nowNs: bigint): void
  /** Look-ups made, and those that the limit refused. */
  readonly counts: { made: number; refused: number }
}

export function createLearner(table: ProcessTable, options: LearnOptions): Learner {
  const { containers } = options
  const counts = { made: 0, refused: 0 }
  let windowNs = 0n
  let used = 0

  function mayLook(nowNs: bigint): boolean {
    if (nowNs - windowNs >= SECOND || nowNs < windowNs) {
      windowNs = nowNs
      used = 0
    }
    if (used >= options.perSecond) {
      counts.refused++
      return false
    }
    used++
    counts.made++
    return true
  }

  function learn(process: Process, parentPid: number, nowNs: bigint): void {
    const holder = mayLook(nowNs) ? readProcess(options.proc, process.pid) : undefined
    const found = holder !== undefined && hasStart(holder, process.startTimeNs) ? holder : undefined
    if (found !== undefined) fill(process, found, containers)
    process.parentPid = found?.parentPid ?? parentPid
    const parent = processOf(process.parentPid, nowNs)
    if (parent === undefined) return
    if (!process.isImageKnown) inherit(process, parent)
    table.adopt(process, parent)
  }

  /** With its ancestors, as far as /proc can tell; each is a look-up of its own. */
  function processOf(pid: number, nowNs: bigint): Process | undefined {
    if (pid <= 0) return undefined
    const known = table.current(pid)
    if (known !== undefined) return known
    const found = mayLook(nowNs) ? readProcess(options.proc, pid) : undefined
    if (found === undefined) return undefined
    const entered = table.enter(pid, found.startTimeNs, nowNs)
    fill(entered, found, containers)
    entered.parentPid = found.parentPid
    const above = processOf(found.parentPid, nowNs)
    if (above !== undefined) table.adopt(entered, above)
    return entered
  }

  function scan(nowNs: bigint): void {
    let pids: number[] = []
    try {
      pids = pidsIn(options.proc)
    } catch (cause) {
      if (!isSystemError(cause)) throw cause
    }
    const found = pids
      .filter((pid) => table.current(pid) === undefined && options.covers?.(pid) !== false)
      .flatMap((pid) => readProcess(options.proc, pid) ?? [])
    for (const process of found)
      fill(table.enter(process.pid, process.startTimeNs, nowNs), process, containers)
    for (const { pid, parentPid } of found) {
      const child = table.current(pid)
      const parent = table.current(parentPid)
      if (child !== undefined && parent !== undefined) table.adopt(child, parent)
    }
  }

  return { learn, processOf, scan, counts }
}

const SECOND = 1_000_000_000n

function fill(process: Process, found: Process, containers: ContainerTable): void {
  inherit(process, found)
  process.container = containers.enter(containerOf(found.cgroups))
  process.parentPid = found.parentPid
  process.virtualPid = found.virtualPid
  process.vmSize = found.vmSize
  process.vmRss = found.vmRss
  process.vmSwap = found.vmSwap
  process.isImageKnown = found.isImageKnown
}
