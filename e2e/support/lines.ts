/** Lines of a stream, kept, so that a test can wait for one that may already have come. */
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'

const patienceMs = 30_000

export class LineReader {
  readonly lines: string[] = []
  #waiting = new Set<() => void>()

  constructor(stream?: Readable | null) {
    if (!stream) return
    createInterface({ input: stream }).on('line', (line) => {
      this.lines.push(line)
      for (const check of this.#waiting) check()
    })
  }

  /** The first line from `from` on that satisfies; rejects with all lines when none comes in time. */
  until(isWanted: (line: string) => boolean, from = 0): Promise<string> {
    return new Promise((fulfil, reject) => {
      const check = () => {
        const found = this.lines.slice(from).find(isWanted)
        if (found !== undefined) settle(() => fulfil(found))
      }
      const timer = setTimeout(
        () => settle(() => reject(new Error(`no such line among:\n${this.lines.join('\n')}`))),
        patienceMs,
      )
      const settle = (end: () => void) => {
        clearTimeout(timer)
        this.#waiting.delete(check)
        end()
      }
      this.#waiting.add(check)
      check()
    })
  }
}
