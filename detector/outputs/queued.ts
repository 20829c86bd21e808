/**
 * A bounded queue in memory before a destination that can be slow, hang or fail: a destination that hangs costs
 * its own lines and nothing else (invariant I8).
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Output, OutputLine, OutputStatus, QueueLimits } from './output.ts'

export interface Destination {
  readonly name: string
  /** Lines that one call may carry. */
  readonly maxBatch: number
  /** Rejects when the lines are lost; may take any time. */
  deliver(lines: readonly OutputLine[]): Promise<void>
  reopen(): Promise<void>
  close(): Promise<void>
}

export class QueuedOutput implements Output {
  readonly name: string
  readonly #destination: Destination
  readonly #limits: QueueLimits
  #queue: OutputLine[] = []
  #queuedBytes = 0
  #running: Promise<void> | undefined
  #mustReopen = false
  #written = 0
  #dropped = 0
  #problem: string | undefined

  constructor(destination: Destination, limits: QueueLimits) {
    this.name = destination.name
    this.#destination = destination
    this.#limits = limits
  }

  get status(): OutputStatus {
    return {
      written: this.#written,
      dropped: this.#dropped,
      pending: this.#queue.length,
      problem: this.#problem,
    }
  }

  write(line: OutputLine): void {
    const { maxLines, maxBytes } = this.#limits
    const isFull = maxLines > 0 && this.#queue.length >= maxLines
    if (isFull || this.#queuedBytes + line.text.length > maxBytes) {
      this.#dropped++
      return
    }
    this.#queue.push(line)
    this.#queuedBytes += line.text.length
    this.#running ??= this.#run()
  }

  reopen(): void {
    this.#mustReopen = true
    this.#running ??= this.#run()
  }

  async stop(graceMs: number): Promise<void> {
    await within(graceMs, this.#running)
    await within(CLOSE_LIMIT_MS, this.#destination.close())
  }

  async #run() {
    // Lines of one turn leave together.
    await Promise.resolve()
    /* oxlint-disable no-await-in-loop -- in order, one batch at a time */
    while (this.#queue.length > 0 || this.#mustReopen) {
      const batch = this.#queue.splice(0, this.#destination.maxBatch)
      try {
        if (this.#mustReopen) {
          this.#mustReopen = false
          await this.#destination.reopen()
        }
        if (batch.length > 0) await this.#destination.deliver(batch)
        this.#written += batch.length
        this.#problem = undefined
      } catch (error) {
        this.#dropped += batch.length
        this.#problem = `output ${this.name}: ${error instanceof Error ? error.message : String(error)}`
      }
      for (const { text } of batch) this.#queuedBytes -= text.length
    }
    /* oxlint-enable no-await-in-loop */
    this.#running = undefined
  }
}

/** A destination that hangs is left behind. */
const CLOSE_LIMIT_MS = 3000

const within = (ms: number, work: Promise<void> | undefined) =>
  Promise.race([work, sleep(ms, undefined, { ref: false })])
