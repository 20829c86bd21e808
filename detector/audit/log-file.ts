/** A file of audit events, a JSON document a line: read to its end, or followed as it grows and is rotated. */
import { type FSWatcher, watch } from 'node:fs'
import { mkdir, open, readdir, stat, type FileHandle } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { readJson, writeDurably } from '../verdicts/durable-file.ts'
import { errorCode } from '../verdicts/proc.ts'
import { parseAudit } from './parse.ts'
import { LineSplitter } from './lines.ts'
import type { AuditDoor, FileDoor } from './settings.ts'
import { type AuditSource, AuditSourceError, type AuditSourceOptions } from './source.ts'

type Door = FileDoor & Pick<AuditDoor, 'maxEventBytes'>

/** Where the next start goes on: the file by inode, so that it is found after a rotation too. */
interface Cursor {
  readonly inode: number
  readonly offset: number
}

const CHUNK_BYTES = 256 * 1024
const POLL_MS = 1000
const RETRY_MS = 1000

export class AuditLogFile implements AuditSource {
  readonly #door: Door
  readonly #options: AuditSourceOptions
  readonly #cursorFile: string
  readonly #stopping = new AbortController()
  readonly #ended = Promise.withResolvers<void>()
  readonly ended = this.#ended.promise
  #reading: Promise<void> = Promise.resolve()
  #wake: (() => void) | undefined
  #problem: string | undefined

  /** `directory`: where a followed file's place is kept between runs. */
  constructor(door: Door, directory: string, options: AuditSourceOptions) {
    this.#door = door
    this.#options = options
    this.#cursorFile = join(directory, 'audit-log-cursor.json')
  }

  async start(): Promise<void> {
    const { path, isFollowed } = this.#door
    if (isFollowed) {
      await mkdir(dirname(this.#cursorFile), { recursive: true })
      this.#reading = this.#follow()
    } else {
      const files = await filesOf(path)
      this.#reading = this.#readAll(files)
    }
    this.#reading.then(this.#ended.resolve, this.#ended.reject)
  }

  degraded = (): readonly string[] => (this.#problem === undefined ? [] : [this.#problem])

  async stop(): Promise<void> {
    this.#stopping.abort()
    this.#wake?.()
    await this.#reading
  }

  async #readAll(files: readonly string[]): Promise<void> {
    for (const path of files) {
      // oxlint-disable-next-line no-await-in-loop -- in order
      await using file = await openLog(path)
      // oxlint-disable-next-line no-await-in-loop
      await this.#readFrom(file, 0, true)
    }
  }

  /** Reads on to the end of a file; answers the offset behind the last whole line. */
  async #readFrom(file: FileHandle, start: number, isLastLineWhole: boolean): Promise<number> {
    const lines = new LineSplitter(this.#door.maxEventBytes)
    const buffer = Buffer.alloc(CHUNK_BYTES)
    let offset = start
    /* oxlint-disable no-await-in-loop -- one chunk is judged before the next is read */
    while (!this.#stopping.signal.aborted) {
      const { bytesRead } = await file.read(buffer, 0, CHUNK_BYTES, offset)
      offset += bytesRead
      const whole = lines.add(buffer.subarray(0, bytesRead))
      const rest = bytesRead === 0 && isLastLineWhole ? lines.end() : []
      await this.#take([...whole, ...rest])
      if (bytesRead === 0) break
    }
    /* oxlint-enable no-await-in-loop */
    return offset - lines.pendingBytes
  }

  async #take(lines: readonly (string | undefined)[]): Promise<void> {
    if (lines.length === 0) return
    const { maxEventBytes } = this.#door
    const parsed = lines.map((line) =>
      line === undefined
        ? { records: [], refused: [`a line has more than maxEventSize (${maxEventBytes}) bytes`] }
        : parseAudit(line, maxEventBytes),
    )
    const batch = {
      records: parsed.flatMap(({ records }) => records),
      refused: parsed.flatMap(({ refused }) => refused),
    }
    let isKept = await this.#options.take(batch)
    /* oxlint-disable no-await-in-loop -- the same lines again until their alerts are kept */
    while (!isKept && !this.#stopping.signal.aborted) {
      await sleep(RETRY_MS, undefined, { signal: this.#stopping.signal }).catch(() => undefined)
      isKept = await this.#options.take({ records: batch.records, refused: [] })
    }
    /* oxlint-enable no-await-in-loop */
  }

  async #follow(): Promise<void> {
    const { path } = this.#door
    const watcher = this.#watch()
    let cursor = await this.#firstCursor()
    /* oxlint-disable no-await-in-loop -- what was written before what comes after */
    while (!this.#stopping.signal.aborted) {
      const before = cursor
      try {
        cursor = await this.#catchUp(cursor)
        this.#problem = undefined
      } catch (error) {
        this.#problem = `cannot read ${path}: ${messageOf(error)}`
      }
      if (cursor.inode !== before.inode || cursor.offset !== before.offset)
        await writeDurably(this.#cursorFile, JSON.stringify(cursor))
      else await this.#news()
    }
    /* oxlint-enable no-await-in-loop */
    watcher?.close()
  }

  /** The file that was being read to its end, under whatever name it has now; then the one that took its name. */
  async #catchUp(cursor: Cursor): Promise<Cursor> {
    const { path } = this.#door
    const old = await fileByInode(path, cursor.inode)
    let { offset } = cursor
    if (old !== undefined) {
      await using file = await openLog(old)
      const { size } = await file.stat()
      // Copied and emptied in place.
      if (size < offset) offset = 0
      offset = await this.#readFrom(file, offset, false)
    }
    const { ino } = await stat(path)
    return ino === cursor.inode ? { inode: ino, offset } : { inode: ino, offset: 0 }
  }

  /** Where the last run was, or the end: what happened before there was a detector is not news. */
  async #firstCursor(): Promise<Cursor> {
    const kept = readJson(this.#cursorFile)
    if (isCursor(kept)) return kept
    try {
      const { ino, size } = await stat(this.#door.path)
      return { inode: ino, offset: size }
    } catch (error) {
      if (errorCode(error) !== '') return { inode: 0, offset: 0 }
      throw error
    }
  }

  #watch(): FSWatcher | undefined {
    try {
      const watcher = watch(dirname(this.#door.path), { persistent: false }, () => this.#wake?.())
      watcher.on('error', () => watcher.close())
      return watcher
    } catch (error) {
      // The poll stands behind it.
      if (errorCode(error) !== '') return undefined
      throw error
    }
  }

  async #news(): Promise<void> {
    if (this.#stopping.signal.aborted) return
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, POLL_MS)
      this.#wake = () => {
        clearTimeout(timer)
        resolve()
      }
    })
    this.#wake = undefined
  }
}

const isCursor = (value: unknown): value is Cursor =>
  typeof value === 'object' &&
  value !== null &&
  'inode' in value &&
  'offset' in value &&
  typeof value.inode === 'number' &&
  typeof value.offset === 'number'

async function openLog(path: string): Promise<FileHandle> {
  try {
    return await open(path, 'r')
  } catch (cause) {
    throw new AuditSourceError(`cannot read ${path}: ${messageOf(cause)}`, { cause })
  }
}

/** A file, or those of a directory, the oldest first. */
async function filesOf(path: string): Promise<readonly string[]> {
  try {
    if (!(await stat(path)).isDirectory()) return [path]
    const names = await readdir(path)
    const found = await Promise.all(
      names.map(async (name) => ({ path: join(path, name), about: await stat(join(path, name)) })),
    )
    return found
      .filter(({ about }) => about.isFile())
      .toSorted((a, b) => a.about.mtimeMs - b.about.mtimeMs)
      .map((file) => file.path)
  } catch (cause) {
    throw new AuditSourceError(`cannot read ${path}: ${messageOf(cause)}`, { cause })
  }
}

/** The file, or the neighbour that it was renamed to; undefined when it is gone. */
async function fileByInode(path: string, inode: number): Promise<string | undefined> {
  if (inode === 0) return undefined
  const directory = dirname(path)
  const names = await readdir(directory)
  const found = await Promise.all(
    names.map(async (name) => {
      const about = await stat(join(directory, name)).catch(() => undefined)
      return about?.ino === inode && about.isFile() ? join(directory, name) : undefined
    }),
  )
  return found.find((each) => each !== undefined)
}

const messageOf = (error: unknown) => (error instanceof Error ? error.message : String(error))
