/** Asks the runtimes for containers that are new: at once, many together where many wait, again until one knows them. */
import type { Container, ContainerFacts } from '../state/container.ts'
import type { Connections } from './connections.ts'

export interface LookupOptions {
  readonly connections: Pick<Connections, 'lookUp' | 'haveAllAnswered'>
  readonly onFacts: (container: Container, facts: ContainerFacts) => void
  /** Every runtime of this node answers, and none has had it for a while; it may be told of later all the same. */
  readonly onUnknown: (container: Container) => void
  readonly nowMs: () => number
}

interface Wanted {
  readonly container: Container
  readonly sinceMs: number
  attempts: number
  dueMs: number
  isGivenUp: boolean
}

/** Questions under way at once; who comes meanwhile is asked for together with the others that wait. */
const IN_FLIGHT = 4
const BATCH = 128
/** A sandbox is told by the CRI only once its pause container runs. */
const FIRST_RETRY_MS = 15
const LONGEST_RETRY_MS = 1000
const GIVE_UP_MS = 5000
/** A busy machine may take longer than that from a sandbox's first process to its being told. */
const FORGET_MS = 60_000

export class Lookups {
  readonly #options: LookupOptions
  readonly #waiting = new Map<string, Wanted>()
  #inFlight = 0
  #timer: NodeJS.Timeout | undefined
  #isPumpDue = false
  #isStopped = false

  constructor(options: LookupOptions) {
    this.#options = options
  }

  want(container: Container): void {
    const nowMs = this.#options.nowMs()
    const wanted = { container, sinceMs: nowMs, attempts: 0, dueMs: nowMs, isGivenUp: false }
    this.#waiting.set(container.fullId, wanted)
    this.#pumpSoon()
  }

  drop(container: Container): void {
    this.#waiting.delete(container.fullId)
  }

  /** Containers that no runtime has told of yet. */
  get pending(): number {
    return this.#waiting.size
  }

  stop(): void {
    this.#isStopped = true
    clearTimeout(this.#timer)
  }

  /** What one scan, or one turn of the ring, has met is one question: asked singly the first few would keep the rest waiting. */
  #pumpSoon(): void {
    if (this.#isPumpDue) return
    this.#isPumpDue = true
    queueMicrotask(() => {
      this.#isPumpDue = false
      this.#pump()
    })
  }

  #pump(): void {
    if (this.#isStopped) return
    const nowMs = this.#options.nowMs()
    while (this.#inFlight < IN_FLIGHT) {
      const batch = this.#takeDue(nowMs)
      if (batch.length === 0) break
      void this.#ask(batch)
    }
    this.#wakeAtNextDue(nowMs)
  }

  #takeDue(nowMs: number): Wanted[] {
    const batch: Wanted[] = []
    for (const wanted of this.#waiting.values()) {
      if (wanted.dueMs > nowMs) continue
      wanted.dueMs = Infinity
      batch.push(wanted)
      if (batch.length === BATCH) break
    }
    return batch
  }

  #wakeAtNextDue(nowMs: number): void {
    clearTimeout(this.#timer)
    if (this.#inFlight >= IN_FLIGHT) return
    let next = Infinity
    for (const { dueMs } of this.#waiting.values()) next = Math.min(next, dueMs)
    if (next === Infinity) return
    this.#timer = setTimeout(() => this.#pump(), Math.max(1, next - nowMs)).unref()
  }

  async #ask(batch: readonly Wanted[]): Promise<void> {
    this.#inFlight++
    const byId = new Map(batch.map((wanted) => [wanted.container.fullId, wanted]))
    const { connections, onFacts } = this.#options
    try {
      await connections.lookUp([...byId.keys()], (facts) => {
        const wanted = byId.get(facts.id)
        if (wanted === undefined) return
        this.#waiting.delete(facts.id)
        onFacts(wanted.container, facts)
      })
    } finally {
      this.#inFlight--
      for (const wanted of batch) this.#again(wanted)
      this.#pump()
    }
  }

  #again(wanted: Wanted): void {
    const { container } = wanted
    if (this.#waiting.get(container.fullId) !== wanted) return
    const { nowMs, connections, onUnknown } = this.#options
    const waitedMs = connections.haveAllAnswered ? nowMs() - wanted.sinceMs : 0
    if (waitedMs > FORGET_MS) {
      this.#waiting.delete(container.fullId)
      return
    }
    if (waitedMs > GIVE_UP_MS && !wanted.isGivenUp) {
      wanted.isGivenUp = true
      onUnknown(container)
    }
    const pauseMs = Math.min(FIRST_RETRY_MS * 2 ** Math.min(wanted.attempts, 10), LONGEST_RETRY_MS)
    wanted.attempts++
    wanted.dueMs = nowMs() + pauseMs
  }
}
