/** Token bucket: so many calls a second, with so many at once, however many steps run. */
import { setTimeout as sleep } from 'node:timers/promises'

export class Rate {
  readonly #perMs: number
  readonly #burst: number
  readonly #nowMs: () => number
  /** Below zero: calls that wait for their turn. */
  #tokens: number
  #filledMs: number
  /** The server asked for silence until then. */
  #quietUntilMs = 0

  constructor(perSecond: number, burst: number, nowMs: () => number) {
    this.#perMs = perSecond / 1000
    this.#burst = burst
    this.#nowMs = nowMs
    this.#tokens = burst
    this.#filledMs = nowMs()
  }

  /** Resolves when it is this call's turn; rejects with the signal's reason. A turn that was given up is lost. */
  async turn(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
    const nowMs = this.#nowMs()
    this.#tokens = Math.min(this.#burst, this.#tokens + (nowMs - this.#filledMs) * this.#perMs)
    this.#filledMs = nowMs
    this.#tokens -= 1
    const waitMs = Math.max(-this.#tokens / this.#perMs, this.#quietUntilMs - nowMs)
    if (waitMs > 0) await sleepUnless(signal, waitMs)
  }

  quiet(forMs: number): void {
    this.#quietUntilMs = Math.max(this.#quietUntilMs, this.#nowMs() + forMs)
  }
}

async function sleepUnless(signal: AbortSignal, ms: number): Promise<void> {
  try {
    await sleep(ms, undefined, { signal })
  } catch (error) {
    signal.throwIfAborted()
    throw error
  }
}
