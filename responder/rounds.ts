/** Tasks that come round again and again, each one at a time. */
import { messageOf } from './errors.ts'

export class Rounds implements AsyncDisposable {
  readonly #onFailure: (message: string) => void
  readonly #intervals: NodeJS.Timeout[] = []
  readonly #running = new Map<NodeJS.Timeout, Promise<void>>()
  #isStopping = false

  constructor(onFailure: (message: string) => void) {
    this.#onFailure = onFailure
  }

  /** A task that fails is said, and comes round again. */
  every(ms: number, task: () => Promise<void>): void {
    const interval = setInterval(() => {
      if (this.#isStopping || this.#running.has(interval)) return
      const running = task()
        .catch((error: unknown) => {
          this.#onFailure(messageOf(error))
        })
        .finally(() => this.#running.delete(interval))
      this.#running.set(interval, running)
    }, ms)
    this.#intervals.push(interval)
  }

  isStopping(): boolean {
    return this.#isStopping
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isStopping = true
    for (const interval of this.#intervals) clearInterval(interval)
    await Promise.all(this.#running.values())
  }
}
