/**
 * Records of a container of which nothing is known yet wait, in order, until its runtime has told or the time is up.
 * The state is brought up to a record only when it is released, so a held exec is followed by its own records and by
 * those of every process that it makes. Bounded in time by container and in bytes altogether.
 */
import { intOf, textOf } from '../events/parameter.ts'
import { events, recordFlags } from '../events/schema.ts'
import type { EventView } from '../events/view.ts'
import type { Container } from '../state/container.ts'
import { type ContainerIdentity, containerOf } from '../state/containers.ts'
import type { State } from '../state/state.ts'

export interface HoldOptions {
  readonly state: Pick<State, 'containers' | 'processes'>
  readonly deliver: (view: EventView) => void
  readonly holdMs: number
  readonly holdBytes: number
}

interface Held {
  readonly container: Container
  readonly records: EventView[]
  readonly pids: Set<number>
  bytes: number
  timer: NodeJS.Timeout | undefined
}

const executes = events.map(({ name }) => name === 'execve' || name === 'execveat')
const cgroupsOf = textOf('cgroups')
const childOf = intOf('child_pid')
/** What a kept record takes beside its bytes. */
const OVERHEAD_BYTES = 512
/** The time is counted in slices: where our own loop stood still (rules compiled, no CPU), answers wait unread. */
const SLICE_MS = 50

export class Hold {
  readonly #options: HoldOptions
  readonly #held = new Map<Container, Held>()
  readonly #byPid = new Map<number, Held>()
  /** Their time was up once: their records wait no more. */
  readonly #late = new WeakSet<Container>()
  #bytes = 0
  /** Records that waited, and containers whose time was up before anybody told. */
  readonly counts = { records: 0, late: 0 }

  constructor(options: HoldOptions) {
    this.#options = options
  }

  readonly onRecord = (view: EventView): void => {
    const held = this.#holderOf(view)
    if (held === undefined) this.#options.deliver(view)
    else this.#keep(held, view)
  }

  /** Now as much is known of the container as will be. */
  settle(container: Container): void {
    const held = this.#held.get(container)
    if (held !== undefined) this.#release(held)
  }

  /** Everything that waits, as it is: the detector ends. */
  releaseAll(): void {
    for (const held of this.#held.values()) this.#giveUp(held)
  }

  get bytes(): number {
    return this.#bytes
  }

  #holderOf(view: EventView): Held | undefined {
    const { containers, processes } = this.#options.state
    if (executes[view.eventId] === true) return this.#holderOfExec(view)
    if (containers.pending.size === 0) return undefined
    if ((view.flags & recordFlags.scanned) !== 0) return undefined
    const byPid = this.#byPid.get(view.pid)
    if (byPid !== undefined) return byPid
    const { container } = processes.find(view.pid, view.startTimeNs) ?? {}
    return container === undefined ? this.#byPid.get(view.parentPid) : this.#holding(container)
  }

  #holderOfExec(view: EventView): Held | undefined {
    if ((view.flags & recordFlags.scanned) !== 0) return undefined
    const before = this.#byPid.get(view.pid)
    if (before !== undefined) return before
    const container = this.#options.state.containers.enter(identityOf(cgroupsOf(view) ?? ''))
    return container === undefined ? undefined : this.#holding(container)
  }

  #holding(container: Container): Held | undefined {
    if (!container.isPending || this.#late.has(container)) return undefined
    const known = this.#held.get(container)
    if (known !== undefined) return known
    const held: Held = { container, records: [], pids: new Set(), bytes: 0, timer: undefined }
    this.#held.set(container, held)
    this.#wait(held, this.#options.holdMs)
    return held
  }

  /** A timer that is late takes one slice of the time, however late it is. */
  #wait(held: Held, leftMs: number): void {
    const sliceMs = Math.min(SLICE_MS, leftMs)
    held.timer = setTimeout(() => {
      if (leftMs > sliceMs) this.#wait(held, leftMs - sliceMs)
      else this.#giveUp(held)
    }, sliceMs)
  }

  #keep(held: Held, view: EventView): void {
    const record = view.keep()
    const bytes = record.byteLength + OVERHEAD_BYTES
    held.records.push(record)
    held.bytes += bytes
    this.#bytes += bytes
    this.counts.records++
    this.#follow(held, view.pid)
    const child = childOf(view)
    if (child !== undefined) this.#follow(held, child)
    while (this.#bytes > this.#options.holdBytes) {
      const [oldest] = this.#held.values()
      if (oldest === undefined) break
      this.#giveUp(oldest)
    }
  }

  #follow(held: Held, pid: number): void {
    held.pids.add(pid)
    this.#byPid.set(pid, held)
  }

  #giveUp(held: Held): void {
    this.#late.add(held.container)
    this.counts.late++
    this.#release(held)
  }

  #release(held: Held): void {
    if (this.#held.get(held.container) !== held) return
    this.#held.delete(held.container)
    clearTimeout(held.timer)
    this.#bytes -= held.bytes
    for (const pid of held.pids) if (this.#byPid.get(pid) === held) this.#byPid.delete(pid)
    // One of them may be the first of another container, and then waits for that.
    for (const record of held.records) this.onRecord(record)
  }
}

/** A process's cgroups are the same text as its neighbours', so they are taken apart once. */
function identityOf(cgroups: string): ContainerIdentity {
  const known = identities.get(cgroups)
  if (known !== undefined) return known
  const found = containerOf(cgroups.split('\0'))
  if (identities.size >= MOST_IDENTITIES) identities.clear()
  identities.set(cgroups, found)
  return found
}

const MOST_IDENTITIES = 4096
const identities = new Map<string, ContainerIdentity>()
