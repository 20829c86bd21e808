/** What a source has lost, as news once a second. */
import type { EventSource } from './source.ts'

export class LostRecords {
  readonly #source: EventSource
  #before: Readonly<Record<string, number>> = {}
  #now: ReadonlyMap<string, number> = new Map()

  constructor(source: EventSource) {
    this.#source = source
  }

  /** By class, since the last call. */
  since(): ReadonlyMap<string, number> {
    const lost = { ...this.#source.lost() }
    const news = Object.entries(lost)
      .map(([name, count]) => [name, count - (this.#before[name] ?? 0)] as const)
      .filter(([, count]) => count > 0)
    this.#before = lost
    this.#now = new Map(news)
    return this.#now
  }

  /** For `degraded`, until a second passes without loss. */
  sentences(): string[] {
    return [...this.#now].map(([name, count]) => `${count} ${name} records lost in the last second`)
  }
}
