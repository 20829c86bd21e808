/**
 * The process table, keyed by pid and start time. A process that has exited stays for a grace, because its last
 * events may still be on their way; as a parent it stays as long as a descendant lives. Live processes are never
 * evicted: at the limit a new one is refused, and counted.
 */
import { type Process, hasStart, newProcess } from './process.ts'

export interface ProcessTableOptions {
  /** Live processes that are kept; the kernel's default pid_max is 32768 or 4194304. */
  readonly limit: number
  /** Exited ones that are kept at most, whatever the grace. */
  readonly exitedLimit: number
  /** How long an exited process is kept, by the time of the events. */
  readonly graceNs: bigint
}

const defaults: ProcessTableOptions = {
  limit: 262_144,
  exitedLimit: 16_384,
  graceNs: 10_000_000_000n,
}

/** Exited ancestors that a chain of forks may hold in memory before its middle is forgotten. */
export const MAX_LINEAGE = 64

export interface ProcessCounts {
  live: number
  exited: number
  /** Exited processes that had to go before their grace was over. */
  evicted: number
  /** New processes that found the table full of live ones. */
  refused: number
  /** Processes whose exit was never heard of: their pid was taken over, or /proc no longer had them. */
  missedExits: number
}

export class ProcessTable {
  readonly counts: ProcessCounts = { live: 0, exited: 0, evicted: 0, refused: 0, missedExits: 0 }
  readonly #byPid = new Map<number, Process>()
  /** Children that the start-up scan met before their parent, by the parent's pid. */
  readonly #waiting = new Map<number, Process[]>()
  /** In the order of their exits; `#oldest` is the first that is still kept. */
  #exited: Process[] = []
  #oldest = 0
  readonly #options: ProcessTableOptions

  constructor(options: Partial<ProcessTableOptions> = {}) {
    this.#options = { ...defaults, ...options }
  }

  /** The process of this identity, also one whose pid has been taken over since. */
  find(pid: number, startTimeNs: bigint): Process | undefined {
    let process = this.#byPid.get(pid)
    while (process !== undefined && !hasStart(process, startTimeNs)) process = process.replaced
    return process
  }

  /** Whoever has the pid now. */
  current(pid: number): Process | undefined {
    return this.#byPid.get(pid)
  }

  /** The process of this identity, entered if it is new; not entered, but still usable, when the table is full. */
  enter(pid: number, startTimeNs: bigint, nowNs: bigint): Process {
    const known = this.find(pid, startTimeNs)
    if (known !== undefined) return known
    const process = newProcess(pid, startTimeNs)
    const holder = this.#byPid.get(pid)
    if (holder !== undefined && holder.startTimeNs > startTimeNs) {
      // A straggler of a process that is gone: usable, but the pid is another's now.
      process.exitedNs = nowNs
      return process
    }
    if (holder !== undefined && holder.exitedNs === undefined) {
      this.counts.missedExits++
      this.exit(holder, nowNs)
    }
    if (this.counts.live >= this.#options.limit) {
      this.counts.refused++
      return process
    }
    process.replaced = holder
    this.#byPid.set(pid, process)
    this.counts.live++
    this.#adoptWaiting(process)
    return process
  }

  /** Hangs `child` under `parent`, and forgets the middle of a lineage that has become too long. */
  adopt(child: Process, parent: Process): void {
    if (child === parent || isAbove(child, parent)) return
    child.parent = parent
    child.parentPid = parent.pid
    child.depth = parent.depth + 1
    if (child.depth > MAX_LINEAGE) shorten(child)
  }

  /** As `adopt`, also when the parent is not entered yet: a scan meets children before their parents. */
  adoptByPid(child: Process, parentPid: number): void {
    child.parentPid = parentPid
    const parent = this.#byPid.get(parentPid)
    if (parent !== undefined) this.adopt(child, parent)
    else if (parentPid > 0)
      this.#waiting.set(parentPid, [...(this.#waiting.get(parentPid) ?? []), child])
  }

  /** The scan is over: parents that did not come will not come. */
  endScan(): void {
    this.#waiting.clear()
  }

  exit(process: Process, atNs: bigint): void {
    if (process.exitedNs !== undefined) return
    process.exitedNs = atNs
    if (this.find(process.pid, process.startTimeNs) !== process) return
    this.counts.live--
    this.counts.exited++
    this.#exited.push(process)
    this.#sweep(atNs)
  }

  /** Ends what is no longer in `alive` (pids in /proc): after lost records, and from time to time. */
  reconcile(alive: ReadonlySet<number>, nowNs: bigint): void {
    for (const process of this.#byPid.values()) {
      if (process.exitedNs !== undefined || alive.has(process.pid)) continue
      // Younger than the listing of /proc, so it may simply not have been there yet.
      if (nowNs - process.startTimeNs < this.#options.graceNs) continue
      this.counts.missedExits++
      this.exit(process, nowNs)
    }
    this.#sweep(nowNs)
  }

  *live(): Generator<Process> {
    for (const process of this.#byPid.values()) if (process.exitedNs === undefined) yield process
  }

  #adoptWaiting(parent: Process): void {
    const children = this.#waiting.size === 0 ? undefined : this.#waiting.get(parent.pid)
    if (children === undefined) return
    this.#waiting.delete(parent.pid)
    for (const child of children)
      if (child.startTimeNs >= parent.startTimeNs) this.adopt(child, parent)
  }

  #sweep(nowNs: bigint): void {
    const { graceNs, exitedLimit } = this.#options
    for (let next = this.#exited[this.#oldest]; next; next = this.#exited[this.#oldest]) {
      const isOver = nowNs - (next.exitedNs ?? 0n) > graceNs
      if (!isOver && this.counts.exited <= exitedLimit) break
      if (!isOver) this.counts.evicted++
      this.#oldest++
      this.#forget(next)
    }
    if (this.#oldest > 1024 && this.#oldest * 2 > this.#exited.length) {
      this.#exited = this.#exited.slice(this.#oldest)
      this.#oldest = 0
    }
  }

  #forget(process: Process): void {
    this.counts.exited--
    // As an ancestor it may live on; its environment is the largest part of it and no longer asked for.
    process.env = noEnvironment
    let holder = this.#byPid.get(process.pid)
    if (holder === process) {
      this.#byPid.delete(process.pid)
      return
    }
    while (holder !== undefined && holder.replaced !== process) holder = holder.replaced
    if (holder !== undefined) holder.replaced = process.replaced
    process.replaced = undefined
  }
}

const noEnvironment: readonly string[] = []

function isAbove(process: Process, descendant: Process): boolean {
  let above: Process | undefined = descendant
  while (above !== undefined && above !== process) above = above.parent
  return above === process
}

/** Keeps the nearest half of a lineage and every ancestor that lives, and skips the dead between them. */
function shorten(process: Process): void {
  const kept: Process[] = []
  for (let above: Process | undefined = process; above !== undefined; above = above.parent)
    if (kept.length < MAX_LINEAGE / 2 || above.exitedNs === undefined) kept.push(above)
  kept.forEach((one, index) => {
    one.parent = kept[index + 1]
    one.depth = kept.length - 1 - index
  })
}
