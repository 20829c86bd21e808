/**
 * A bounded queue on disk: what was appended is handed out in order until it is acknowledged, also after a crash.
 *
 * Nothing here blocks the event loop. A record is written at once (a killed process loses nothing that reached
 * the page cache) and synced within `syncMs` (what a power cut can take). While the reader keeps up it is served
 * from memory; when it falls behind, the memory stays bounded and the segments are read back. Only at `maxBytes`
 * are records lost, the oldest segment first, and they are counted.
 */
import { type FileHandle, open } from 'node:fs/promises'
import { join } from 'node:path'
import { MAX_PAYLOAD_BYTES, type SpoolRecord, encodeRecord } from './record.ts'
import { Segments } from './segments.ts'

export interface SpoolOptions {
  readonly directory: string
  readonly maxBytes: number
  /** 0: each write is synced before the next. */
  readonly syncMs: number
}

const MAX_SEGMENT_BYTES = 1024 * 1024
/**
 * In memory at most: this much waiting for the reader and as much waiting for the disk (mostly the same buffers). One
 * turn of the kernel's rings is 4096 records; if each is an alert of 1.5 KB, all of them fit before the disk has its turn.
 */
const MEMORY_BYTES = 8 * 1024 * 1024

export class Spool {
  readonly #options: SpoolOptions
  readonly #segments: Segments
  readonly #acknowledgements: FileHandle
  #acknowledged: number
  #lastSequence: number
  /** Next for the reader; `#windowEnd` is the last sequence that it follows on from. */
  #window: SpoolRecord[] = []
  #windowBytes = 0
  #windowEnd: number
  #unwritten: SpoolRecord[] = []
  #unwrittenBytes = 0
  #writing: Promise<void> | undefined
  #disk: Promise<unknown> = Promise.resolve()
  #noting: Promise<unknown> = Promise.resolve()
  #syncTimer: NodeJS.Timeout | undefined
  #isClosed = false
  #wake: (() => void) | undefined

  /** Records lost because the bound was reached or the disk refused them. */
  dropped = 0
  /** Why the disk refused the last write, until one succeeds. */
  problem: string | undefined

  private constructor(
    options: SpoolOptions,
    segments: Segments,
    acknowledgements: FileHandle,
    acknowledged: number,
    lastSequence: number,
  ) {
    this.#options = options
    this.#segments = segments
    this.#acknowledgements = acknowledgements
    this.#acknowledged = acknowledged
    this.#lastSequence = Math.max(lastSequence, acknowledged)
    this.#windowEnd = acknowledged
  }

  static async open(options: SpoolOptions): Promise<Spool> {
    const segmentBytes = Math.min(MAX_SEGMENT_BYTES, Math.ceil(options.maxBytes / 8))
    const segments = new Segments(options.directory, segmentBytes)
    const last = await segments.load()
    const acknowledgements = await open(join(options.directory, 'acknowledged'), 'a+', 0o600)
    const acknowledged = parseAcknowledged(await acknowledgements.readFile('utf8'))
    await acknowledgements.truncate(0)
    await acknowledgements.write(acknowledgedLine(acknowledged))
    await segments.removeAcknowledged(acknowledged)
    return new Spool(options, segments, acknowledgements, acknowledged, last)
  }

  /** Records that wait for their acknowledgement. */
  get pending() {
    return this.#lastSequence - this.#acknowledged
  }

  /** Bytes that a crash or the disk left behind the last whole record and that were cut at start. */
  get cutBytes() {
    return this.#segments.cutBytes
  }

  /** False when it was dropped: too large, or the disk is too far behind. */
  append(payload: Buffer): boolean {
    const fitsDisk = this.#unwrittenBytes + payload.length <= MEMORY_BYTES
    if (this.#isClosed || payload.length > MAX_PAYLOAD_BYTES || !fitsDisk) {
      this.dropped++
      return false
    }
    const record = { sequence: ++this.#lastSequence, payload }
    const isNext = this.#windowEnd === record.sequence - 1
    if (isNext && this.#windowBytes + payload.length <= MEMORY_BYTES) {
      this.#window.push(record)
      this.#windowBytes += payload.length
      this.#windowEnd = record.sequence
    }
    this.#unwritten.push(record)
    this.#unwrittenBytes += payload.length
    this.#writing ??= this.#write()
    this.#wake?.()
    return true
  }

  /** The oldest records that wait, at most so many and so large together (but at least one); empty when none. */
  async next(maxRecords: number, maxBytes: number): Promise<readonly SpoolRecord[]> {
    if (this.#window.length === 0 && this.pending > 0) await this.#load()
    const batch: SpoolRecord[] = []
    let bytes = 0
    for (const record of this.#window) {
      bytes += record.payload.length
      if (batch.length === maxRecords || (batch.length > 0 && bytes > maxBytes)) break
      batch.push(record)
    }
    return batch
  }

  /** Resolves when a record waits, or when the spool is closed. */
  async waitForRecord(): Promise<void> {
    if (this.pending > 0 || this.#isClosed) return
    await new Promise<void>((resolve) => {
      this.#wake = resolve
    })
    this.#wake = undefined
  }

  /** Everything up to this sequence has arrived. Once closed nothing is noted: it is sent again at the next start. */
  async acknowledge(sequence: number): Promise<void> {
    if (sequence <= this.#acknowledged || this.#isClosed) return
    const noted = this.#noteArrival(sequence)
    this.#noting = noted.catch(() => undefined)
    await noted
  }

  async #noteArrival(sequence: number): Promise<void> {
    this.#forget(sequence)
    // What arrived before its turn to be written need not be written at all.
    this.#unwritten = this.#unwritten.filter((record) => record.sequence > sequence)
    this.#unwrittenBytes = bytesOf(this.#unwritten)
    await this.#acknowledgements.write(acknowledgedLine(sequence))
    await this.#exclusive(() => this.#segments.removeAcknowledged(sequence))
    if (this.pending === 0) await this.#compactAcknowledgements()
  }

  /** Resolves when what was appended is in the files. */
  async flush(): Promise<void> {
    await this.#writing
  }

  /** Writes and syncs what is left; what was not acknowledged is there at the next start. */
  async close(): Promise<void> {
    this.#isClosed = true
    this.#wake?.()
    clearTimeout(this.#syncTimer)
    await Promise.all([this.#writing, this.#noting])
    await this.#exclusive(() => this.#segments.closeActive())
    await this.#acknowledgements.close()
  }

  #forget(sequence: number) {
    this.#acknowledged = Math.max(this.#acknowledged, sequence)
    this.#windowEnd = Math.max(this.#windowEnd, sequence)
    this.#window = this.#window.filter((record) => record.sequence > sequence)
    this.#windowBytes = bytesOf(this.#window)
  }

  async #load() {
    const read = await this.#exclusive(() => this.#segments.read(this.#acknowledged))
    const onDisk = read.filter(({ sequence }) => sequence > this.#acknowledged)
    const waiting = onDisk.length > 0 ? onDisk : this.#unwritten
    const last = waiting.at(-1)?.sequence ?? this.#lastSequence
    // What is neither on disk nor on its way there was refused by the disk.
    const first = waiting[0]?.sequence ?? this.#lastSequence + 1
    this.dropped += first - this.#acknowledged - 1
    this.#forget(first - 1)
    this.#window = [...waiting]
    this.#windowBytes = bytesOf(waiting)
    this.#windowEnd = last
  }

  async #write() {
    // Records that are appended in the same turn go to the disk in one write.
    await Promise.resolve()
    while (this.#unwritten.length > 0) {
      const batch = takeBatch(this.#unwritten, this.#segments.segmentBytes)
      // oxlint-disable-next-line no-await-in-loop -- in order, one write at a time
      await this.#exclusive(() => this.#writeBatch(batch))
      const last = batch.at(-1)?.sequence ?? 0
      this.#unwritten = this.#unwritten.filter(({ sequence }) => sequence > last)
      this.#unwrittenBytes = bytesOf(this.#unwritten)
    }
    this.#writing = undefined
  }

  /** One thing at a time with the files. */
  async #exclusive<Result>(work: () => Promise<Result>): Promise<Result> {
    const result = this.#disk.then(work)
    this.#disk = result.catch(() => undefined)
    return result
  }

  async #writeBatch(batch: readonly SpoolRecord[]) {
    const bytes = Buffer.concat(batch.map(encodeRecord))
    const first = batch[0]?.sequence ?? 0
    try {
      await this.#segments.write(bytes, first, batch.at(-1)?.sequence ?? first)
      if (this.#options.syncMs === 0) await this.#segments.sync()
      else this.#syncSoon()
      const { lost, upTo } = await this.#segments.shrink(this.#options.maxBytes, this.#acknowledged)
      this.dropped += lost
      if (upTo > this.#acknowledged) this.#forget(upTo)
      this.problem = undefined
    } catch (error) {
      this.problem = `cannot write to ${this.#options.directory}: ${messageOf(error)}`
    }
  }

  #syncSoon() {
    this.#syncTimer ??= setTimeout(() => {
      this.#syncTimer = undefined
      this.#exclusive(() => this.#segments.sync()).catch((error: unknown) => {
        this.problem = `cannot sync ${this.#options.directory}: ${messageOf(error)}`
      })
    }, this.#options.syncMs).unref()
  }

  async #compactAcknowledgements() {
    const { size } = await this.#acknowledgements.stat()
    if (size < 64 * 1024) return
    await this.#acknowledgements.truncate(0)
    await this.#acknowledgements.write(acknowledgedLine(this.#acknowledged))
  }
}

/** Fixed width and a closing newline: a torn line is not whole and the one before it holds. */
const acknowledgedLine = (sequence: number) => `${String(sequence).padStart(16, '0')}\n`

function parseAcknowledged(text: string): number {
  const lines = text.match(/^\d{16}\n/gm) ?? []
  return lines.reduce((highest, line) => Math.max(highest, Number(line)), 0)
}

function takeBatch(records: readonly SpoolRecord[], maxBytes: number): readonly SpoolRecord[] {
  let bytes = 0
  let count = 0
  for (const { payload } of records) {
    bytes += payload.length
    if (count > 0 && bytes > maxBytes) break
    count++
  }
  return records.slice(0, count)
}

const bytesOf = (records: readonly SpoolRecord[]) =>
  records.reduce((sum, { payload }) => sum + payload.length, 0)

const messageOf = (error: unknown) => (error instanceof Error ? error.message : String(error))
