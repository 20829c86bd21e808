/** When the API server does not answer: who asks it next waits a moment, and everybody is told why. */
import { messageOf } from '../errors.ts'

/** Between two tries while it is away. */
const pauseMs = 1000

export class Patience {
  readonly #nowMs: () => number
  #why: string | null = null
  #nextTryMs = 0

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs
  }

  /** Why the last question failed, in its own words; null when it was answered. */
  why(): string | null {
    return this.#why
  }

  /** Undefined: it cannot be asked now. */
  async ask<Answer>(question: () => Promise<Answer>): Promise<{ answer: Answer } | undefined> {
    if (this.#why !== null && this.#nowMs() < this.#nextTryMs) return undefined
    try {
      const answer = await question()
      this.#why = null
      return { answer }
    } catch (error) {
      this.#why = messageOf(error)
      this.#nextTryMs = this.#nowMs() + pauseMs
      return undefined
    }
  }
}
