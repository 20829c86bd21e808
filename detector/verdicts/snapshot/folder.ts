/** A folder of evidence under a cap, closed by a manifest with the SHA-256 of every file. */
import { createHash } from 'node:crypto'
import { createReadStream, createWriteStream, mkdirSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { Readable, Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { sha256OfFile } from '../sha256.ts'
import { syncDirectory, writeDurably } from '../durable-file.ts'

export interface EvidenceFile {
  readonly file: string
  readonly bytes: number
  readonly sha256: string
  /** Cut at the folder's cap. */
  readonly isTruncated: boolean
}

export class EvidenceFolder {
  readonly path: string
  readonly files: EvidenceFile[] = []
  #left: number

  constructor(path: string, maxBytes: number) {
    mkdirSync(path, { recursive: true, mode: 0o700 })
    this.path = path
    this.#left = maxBytes
  }

  /** Of all that was added. */
  get bytes(): number {
    return this.files.reduce((sum, file) => sum + file.bytes, 0)
  }

  async addText(file: string, text: string): Promise<void> {
    const whole = Buffer.from(text)
    const kept = whole.subarray(0, Math.max(0, this.#left))
    await writeDurably(join(this.path, file), kept)
    this.#record(
      file,
      kept.length,
      createHash('sha256').update(kept).digest('hex'),
      kept.length < whole.length,
    )
  }

  /** Copies what `from` names now, at most what is left under the cap. */
  async addCopy(file: string, from: string): Promise<void> {
    const hash = createHash('sha256')
    let bytes = 0
    const count = new Transform({
      transform: (chunk: Buffer, _encoding, done) => {
        bytes += chunk.length
        hash.update(chunk)
        done(null, chunk)
      },
    })
    // `end` is the last byte that is read, so nothing at all has to be said otherwise.
    const source =
      this.#left === 0 ? Readable.from([]) : createReadStream(from, { end: this.#left - 1 })
    await pipeline(
      source,
      count,
      createWriteStream(join(this.path, file), { mode: 0o400, flush: true }),
    )
    this.#record(file, bytes, hash.digest('hex'), statSync(from).size > bytes)
  }

  /** A file that somebody else wrote into the folder. */
  async adopt(file: string): Promise<void> {
    const path = join(this.path, file)
    this.#record(file, statSync(path).size, await sha256OfFile(path), false)
  }

  /** Last: a folder without it is one that was not finished. */
  async close(facts: Readonly<Record<string, unknown>>): Promise<EvidenceFile> {
    const manifest = JSON.stringify({ ...facts, files: this.files }, undefined, 2)
    await writeDurably(join(this.path, 'manifest.json'), manifest)
    await syncDirectory(this.path)
    return {
      file: 'manifest.json',
      bytes: Buffer.byteLength(manifest),
      sha256: createHash('sha256').update(manifest).digest('hex'),
      isTruncated: false,
    }
  }

  #record(file: string, bytes: number, sha256: string, isTruncated: boolean): void {
    this.#left -= bytes
    this.files.push({ file, bytes, sha256, isTruncated })
  }
}

/** Bytes of everything under a directory. */
export function bytesUnder(path: string): number {
  const entries = readdirSync(path, { withFileTypes: true, recursive: true })
  return entries
    .filter((entry) => entry.isFile())
    .reduce((sum, entry) => sum + statSync(join(entry.parentPath, entry.name)).size, 0)
}
