/**
 * What this node has answered, so that an order that comes again, also after a restart, has no second effect. A file of one
 * JSON line an entry: appended and synced, a torn tail is ignored, rewritten when mostly stale. An entry may go only
 * after its order's deadline, because from then on the order is refused anyway: that bounds the file (I8) without
 * opening a gap (I2).
 */
import { readFileSync } from 'node:fs'
import { open, type FileHandle } from 'node:fs/promises'
import { z } from 'zod'
import {
  answerSchema,
  operationSchema,
  type Answer,
  type Operation,
} from '../../contract/verdict.ts'
import { writeDurably } from './durable-file.ts'
import { errorCode } from './proc.ts'

const entrySchema = z.strictObject({
  id: z.string(),
  operation: operationSchema,
  deadlineMs: z.int(),
  /** Null: begun, and whether it was finished is not known. */
  answer: answerSchema.nullable(),
})
type Entry = z.infer<typeof entrySchema>

/** Kept this long after its deadline, should the wall clock be set back. */
const GRACE_MS = 24 * 3600 * 1000
const CAPACITY = 20_000

export interface MemorySettings {
  readonly path: string
  readonly nowMs: () => number
}

class MemoryFull extends Error {
  readonly code = 'memory_full'
  readonly retryable = true
}

/** One process at a time may hold the file; the detector's data directory sees to that. */
export class AnswerMemory {
  readonly #settings: MemorySettings
  readonly #entries: Map<string, Entry>
  #file: FileHandle
  #lines: number
  /** Lines after the last rewrite. */
  #linesKept: number
  /** Appends one after the other. */
  #last: Promise<void> = Promise.resolve()

  private constructor(settings: MemorySettings, entries: Map<string, Entry>, file: FileHandle) {
    this.#settings = settings
    this.#entries = entries
    this.#file = file
    this.#lines = entries.size
    this.#linesKept = entries.size
  }

  static async open(settings: MemorySettings): Promise<AnswerMemory> {
    const entries = new Map(readEntries(settings.path).map((entry) => [key(entry), entry]))
    forgetStale(entries, settings.nowMs())
    await writeDurably(settings.path, [...entries.values()].map(line).join(''))
    return new AnswerMemory(settings, entries, await open(settings.path, 'a', 0o600))
  }

  /** Undefined: never heard of. Null: begun by an earlier life of this node and not known to be finished. */
  find(id: string, operation: Operation): Answer | null | undefined {
    return this.#entries.get(key({ id, operation }))?.answer
  }

  /** Durable when it resolves. Throws MemoryFull rather than forget an order that could still come again. */
  async begin(id: string, operation: Operation, deadlineMs: number): Promise<void> {
    if (this.#entries.size >= CAPACITY) {
      forgetStale(this.#entries, this.#settings.nowMs())
      if (this.#entries.size >= CAPACITY)
        throw new MemoryFull(`${CAPACITY} orders are remembered and none has passed its deadline`)
    }
    await this.#append({ id, operation, deadlineMs, answer: null })
  }

  async finish(answer: Answer, deadlineMs: number): Promise<void> {
    const { id, operation } = answer
    await this.#append({ id, operation, deadlineMs, answer })
  }

  async close(): Promise<void> {
    await this.#last
    await this.#file.close()
  }

  #append(entry: Entry): Promise<void> {
    this.#entries.set(key(entry), entry)
    const written = this.#last.then(() => this.#write(entry))
    this.#last = written.catch(() => undefined)
    return written
  }

  async #write(entry: Entry): Promise<void> {
    if (this.#lines > 2 * this.#linesKept + 1000) await this.#rewrite()
    await this.#file.appendFile(line(entry))
    await this.#file.datasync()
    this.#lines++
  }

  async #rewrite(): Promise<void> {
    forgetStale(this.#entries, this.#settings.nowMs())
    await writeDurably(this.#settings.path, [...this.#entries.values()].map(line).join(''))
    await this.#file.close()
    this.#file = await open(this.#settings.path, 'a', 0o600)
    this.#lines = this.#linesKept = this.#entries.size
  }
}

const key = ({ id, operation }: Pick<Entry, 'id' | 'operation'>): string => `${operation} ${id}`
const line = (entry: Entry): string => `${JSON.stringify(entry)}\n`

function forgetStale(entries: Map<string, Entry>, nowMs: number): void {
  for (const [name, { deadlineMs }] of entries)
    if (deadlineMs + GRACE_MS < nowMs) entries.delete(name)
}

function readEntries(path: string): Entry[] {
  try {
    return readFileSync(path, 'utf8').split('\n').flatMap(parseLine)
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return []
    throw error
  }
}

/** A line that a power cut tore was never acknowledged: whoever sent its order will ask again. */
function parseLine(text: string): Entry[] {
  try {
    const parsed = entrySchema.safeParse(JSON.parse(text))
    return parsed.success ? [parsed.data] : []
  } catch (error) {
    if (error instanceof SyntaxError) return []
    throw error
  }
}
