/** The spool's files: appended in turn, read whole, removed from the oldest end. */
import { constants } from 'node:fs'
import { type FileHandle, mkdir, open, readFile, readdir, truncate, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import { type SpoolRecord, decodeSegment } from './record.ts'

interface Segment {
  readonly path: string
  bytes: number
  firstSequence: number
  lastSequence: number
}

const NAME = /^(\d{12})\.segment$/

export class Segments {
  readonly #directory: string
  readonly segmentBytes: number
  #segments: Segment[] = []
  #nextId = 1
  #active: FileHandle | undefined
  #isDirty = false

  /** Bytes that a damaged segment held behind its last whole record, cut at start. */
  cutBytes = 0

  constructor(directory: string, segmentBytes: number) {
    this.#directory = directory
    this.segmentBytes = segmentBytes
  }

  /** Finds what an earlier run left; returns the highest sequence number. */
  async load(): Promise<number> {
    await mkdir(this.#directory, { recursive: true, mode: 0o700 })
    const names = (await readdir(this.#directory)).filter((name) => NAME.test(name)).toSorted()
    for (const name of names) {
      this.#nextId = Number(NAME.exec(name)?.[1]) + 1
      // one after the other: a segment is read whole, and memory is bounded
      // oxlint-disable-next-line no-await-in-loop
      await this.#loadSegment(join(this.#directory, name))
    }
    return this.#segments.at(-1)?.lastSequence ?? 0
  }

  async #loadSegment(path: string) {
    const content = await readFile(path)
    const { records, goodBytes } = decodeSegment(content)
    const [first] = records
    const last = records.at(-1)
    if (goodBytes < content.length) {
      this.cutBytes += content.length - goodBytes
      await truncate(path, goodBytes)
    }
    if (first === undefined || last === undefined) return unlink(path)
    const { sequence: firstSequence } = first
    this.#segments.push({ path, bytes: goodBytes, firstSequence, lastSequence: last.sequence })
    return undefined
  }

  get bytes() {
    return this.#segments.reduce((sum, segment) => sum + segment.bytes, 0)
  }

  /** Records that are on disk behind `acknowledged`. */
  countAfter(acknowledged: number): number {
    return this.#segments.reduce((sum, segment) => sum + unacknowledged(segment, acknowledged), 0)
  }

  /** Appends whole records; the caller writes one batch at a time. */
  async write(bytes: Buffer, firstSequence: number, lastSequence: number): Promise<void> {
    const segment = await this.#writable(bytes.length, firstSequence)
    if (this.#active === undefined) return
    let written = 0
    while (written < bytes.length) {
      // oxlint-disable-next-line no-await-in-loop
      written += (await this.#active.write(bytes, written)).bytesWritten
    }
    segment.bytes += bytes.length
    segment.lastSequence = lastSequence
    this.#isDirty = true
  }

  async #writable(length: number, firstSequence: number): Promise<Segment> {
    const current = this.#segments.at(-1)
    if (
      this.#active !== undefined &&
      current !== undefined &&
      current.bytes + length <= this.segmentBytes
    )
      return current
    await this.closeActive()
    const path = join(this.#directory, `${String(this.#nextId++).padStart(12, '0')}.segment`)
    const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_APPEND
    this.#active = await open(path, flags, 0o600)
    const segment = { path, bytes: 0, firstSequence, lastSequence: firstSequence - 1 }
    this.#segments.push(segment)
    return segment
  }

  /** Onto the disk itself, for a machine that loses power. */
  async sync(): Promise<void> {
    if (!this.#isDirty) return
    this.#isDirty = false
    await this.#active?.datasync()
  }

  async closeActive(): Promise<void> {
    const active = this.#active
    if (active === undefined) return
    await this.sync()
    this.#active = undefined
    await active.close()
  }

  /** The records of the first segment that holds any behind `acknowledged`. */
  async read(acknowledged: number): Promise<readonly SpoolRecord[]> {
    const segment = this.#segments.find(({ lastSequence }) => lastSequence > acknowledged)
    if (segment === undefined) return []
    const { records } = decodeSegment(await readFile(segment.path))
    const wanted = records.filter(({ sequence }) => sequence > acknowledged)
    // A segment that was damaged since it was written must not be asked for its missing records for ever.
    segment.lastSequence = records.at(-1)?.sequence ?? acknowledged
    return wanted
  }

  /** Removes segments whose records are all acknowledged. */
  async removeAcknowledged(acknowledged: number): Promise<void> {
    while ((this.#segments[0]?.lastSequence ?? Infinity) <= acknowledged) {
      // oxlint-disable-next-line no-await-in-loop
      await this.#removeOldest()
    }
  }

  /** Down to the bound, the oldest first; returns what was lost and the sequence up to which it is gone. */
  async shrink(maxBytes: number, acknowledged: number): Promise<{ lost: number; upTo: number }> {
    let lost = 0
    let upTo = acknowledged
    while (this.bytes > maxBytes && this.#segments.length > 1) {
      const [oldest] = this.#segments
      if (oldest === undefined) break
      lost += unacknowledged(oldest, upTo)
      upTo = Math.max(upTo, oldest.lastSequence)
      // oxlint-disable-next-line no-await-in-loop
      await this.#removeOldest()
    }
    return { lost, upTo }
  }

  async #removeOldest() {
    if (this.#segments.length === 1) await this.closeActive()
    const oldest = this.#segments.shift()
    if (oldest !== undefined) await unlink(oldest.path)
  }
}

const unacknowledged = ({ firstSequence, lastSequence }: Segment, acknowledged: number) =>
  Math.max(0, lastSequence - Math.max(acknowledged, firstSequence - 1))
