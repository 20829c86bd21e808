/** Judgements that wait until somebody tells what their container is: bounded in number, in bytes and in time. */
import type { Judgement } from '../judge-again.ts'
import type { Container } from '../state/container.ts'

export interface SuspendedLimits {
  readonly most: number
  /** Of one container, so that it cannot take the place of the others. */
  readonly mostOfOne: number
  readonly bytes: number
  readonly waitMs: number
}

export interface SuspendedOptions {
  readonly nowMs: () => number
  readonly limits?: Partial<SuspendedLimits>
}

interface Waiting {
  readonly judgement: Judgement
  readonly sinceMs: number
}

/** A responder waits with pending alerts for as long. */
const defaults: SuspendedLimits = {
  most: 10_000,
  mostOfOne: 2000,
  bytes: 16 * 1024 * 1024,
  waitMs: 60_000,
}

export class Suspended {
  readonly #nowMs: () => number
  readonly #limits: SuspendedLimits
  readonly #byContainer = new Map<Container, Waiting[]>()
  #size = 0
  #bytes = 0
  /** Dropped: there was no room, or nobody told in time. */
  readonly counts = { suspended: 0, judgedAgain: 0, dropped: 0 }

  constructor({ nowMs, limits }: SuspendedOptions) {
    this.#nowMs = nowMs
    this.#limits = { ...defaults, ...limits }
  }

  /** What comes when there is no room is dropped before it costs anything: what a container did first tells most. */
  add(container: Container, keep: () => Judgement): void {
    const { most, mostOfOne, bytes } = this.#limits
    const waiting = this.#byContainer.get(container) ?? []
    this.counts.suspended++
    if (this.#size >= most || waiting.length >= mostOfOne || this.#bytes >= bytes) {
      this.counts.dropped++
      return
    }
    const judgement = keep()
    waiting.push({ judgement, sinceMs: this.#nowMs() })
    this.#byContainer.set(container, waiting)
    this.#size++
    this.#bytes += judgement.bytes
  }

  /** Judges again, in order; answers the ids of alerts that do not hold. */
  settle(container: Container): readonly string[] {
    const waiting = this.#byContainer.get(container) ?? []
    this.#byContainer.delete(container)
    this.#release(waiting)
    this.counts.judgedAgain += waiting.length
    return waiting.flatMap(({ judgement }) => judgement.again())
  }

  /** Once a second. */
  expire(): void {
    const oldestMs = this.#nowMs() - this.#limits.waitMs
    for (const [container, waiting] of this.#byContainer) {
      const kept = waiting.filter(({ sinceMs }) => sinceMs >= oldestMs)
      if (kept.length === waiting.length) continue
      const dropped = waiting.slice(0, waiting.length - kept.length)
      this.#release(dropped)
      this.counts.dropped += dropped.length
      if (kept.length > 0) this.#byContainer.set(container, kept)
      else this.#byContainer.delete(container)
    }
  }

  #release(waiting: readonly Waiting[]): void {
    this.#size -= waiting.length
    for (const { judgement } of waiting) this.#bytes -= judgement.bytes
  }
}
