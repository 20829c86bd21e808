/** Bytes in pieces → whole lines. A line that is too long is undefined in the answer, and never held. */

const NEWLINE = 10

export class LineSplitter {
  readonly #maxBytes: number
  #parts: Buffer[] = []
  /** Of the line that has not ended, held or not. */
  pendingBytes = 0

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  add(bytes: Buffer): (string | undefined)[] {
    const lines: (string | undefined)[] = []
    let start = 0
    for (let end = bytes.indexOf(NEWLINE); end >= 0; end = bytes.indexOf(NEWLINE, start)) {
      this.#hold(bytes.subarray(start, end))
      lines.push(...this.end())
      start = end + 1
    }
    this.#hold(bytes.subarray(start))
    return lines
  }

  /** The last line, which no newline ends; nothing where it is empty. */
  end(): (string | undefined)[] {
    const isTooLong = this.pendingBytes > this.#maxBytes
    const line = isTooLong ? undefined : Buffer.concat(this.#parts).toString('utf8')
    this.#parts = []
    this.pendingBytes = 0
    return line?.trim() === '' ? [] : [line]
  }

  #hold(bytes: Buffer) {
    this.pendingBytes += bytes.length
    if (this.pendingBytes > this.#maxBytes) this.#parts = []
    else this.#parts.push(Buffer.from(bytes))
  }
}
