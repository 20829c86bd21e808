/** Carries a spool's records to an endpoint, in order, for as long as it takes. */
import { setTimeout as sleep } from 'node:timers/promises'
import { backoffMs } from './backoff.ts'
import type { Spool } from './spool.ts'

/** What `send` throws. Not retryable: the endpoint will never take this batch, whatever its own state. */
export class DeliveryError extends Error {
  readonly code: string
  readonly retryable: boolean

  constructor(code: string, message: string, retryable: boolean, cause?: unknown) {
    super(message, { cause })
    this.code = code
    this.retryable = retryable
  }
}

export interface DeliveryOptions {
  readonly spool: Spool
  /** Resolves once the endpoint has acknowledged all of the batch. */
  readonly send: (payloads: readonly Buffer[], signal: AbortSignal) => Promise<void>
  readonly maxRecords: number
  readonly maxBytes: number
  readonly random: () => number
}

export class Delivery {
  readonly #options: DeliveryOptions
  readonly #stopping = new AbortController()
  #running: Promise<void> = Promise.resolve()

  delivered = 0
  /** Records that the endpoint refused for what they are: thrown away, because it would refuse them for ever. */
  refused = 0
  /** Why the endpoint cannot be reached now, or undefined when it can. */
  problem: string | undefined

  constructor(options: DeliveryOptions) {
    this.#options = options
  }

  start(): void {
    this.#running = this.#run()
  }

  /** Gives what waits up to `graceMs` to leave; the rest stays in the spool. */
  async stop(graceMs: number): Promise<void> {
    const { spool } = this.#options
    const deadline = Date.now() + graceMs
    while (spool.pending > 0 && this.problem === undefined && Date.now() < deadline)
      // oxlint-disable-next-line no-await-in-loop
      await sleep(5)
    this.#stopping.abort()
    await spool.close()
    await this.#running
  }

  async #run() {
    const { spool, maxRecords, maxBytes } = this.#options
    const { signal } = this.#stopping
    let attempt = 0
    let batchLimit = maxRecords
    /* oxlint-disable no-await-in-loop -- in order, one batch at a time */
    while (!signal.aborted) {
      await spool.waitForRecord()
      const batch = await spool.next(batchLimit, maxBytes)
      const last = batch.at(-1)
      if (last === undefined || signal.aborted) continue
      const result = await this.#try(batch.map(({ payload }) => payload))
      if (result === 'delivered') {
        this.delivered += batch.length
        attempt = 0
        batchLimit = maxRecords
        await spool.acknowledge(last.sequence)
      } else if (result === 'refused') {
        // One bad record must not take its neighbours with it: they go one by one.
        if (batch.length === 1) {
          this.refused++
          await spool.acknowledge(last.sequence)
        }
        batchLimit = 1
      } else {
        await pause(backoffMs(attempt++, this.#options.random), signal)
      }
    }
    /* oxlint-enable no-await-in-loop */
  }

  async #try(payloads: readonly Buffer[]): Promise<'delivered' | 'refused' | 'failed'> {
    try {
      await this.#options.send(payloads, this.#stopping.signal)
      this.problem = undefined
      return 'delivered'
    } catch (error) {
      if (error instanceof DeliveryError && !error.retryable) return 'refused'
      this.problem = error instanceof Error ? error.message : String(error)
      return 'failed'
    }
  }
}

/** A wait that a stop cuts short. */
export async function pause(ms: number, signal: AbortSignal): Promise<void> {
  try {
    await sleep(ms, undefined, { signal })
  } catch (error) {
    if (!signal.aborted) throw error
  }
}
