/**
 * Tells when files have other content than before. Directories are watched, not files: editors and ConfigMaps
 * replace a file (or a link above it) instead of writing to it. A poll stands behind it, for file systems without
 * notifications.
 */
import { createHash } from 'node:crypto'
import { type FSWatcher, existsSync, readFileSync, readdirSync, statSync, watch } from 'node:fs'
import { dirname, join } from 'node:path'

const SETTLE_MS = 100
const POLL_MS = 10_000

export class FileWatch {
  readonly #paths: readonly string[]
  readonly #onChange: () => void
  readonly #watchers: FSWatcher[] = []
  #timer: NodeJS.Timeout | undefined
  #poll: NodeJS.Timeout | undefined
  #seen: string

  /** `paths`: files, or directories whose files count. */
  constructor(paths: readonly string[], onChange: () => void) {
    this.#paths = paths
    this.#onChange = onChange
    this.#seen = this.#fingerprint()
  }

  start(): void {
    const directories = new Set(
      this.#paths.map((path) => (isDirectory(path) ? path : dirname(path))),
    )
    for (const directory of directories) {
      if (!existsSync(directory)) continue
      const watcher = watch(directory, { persistent: false }, () => this.#soon())
      // The poll takes over where a watch breaks (its directory was removed).
      watcher.on('error', () => watcher.close())
      this.#watchers.push(watcher)
    }
    this.#poll = setInterval(() => this.#check(), POLL_MS).unref()
  }

  stop(): void {
    clearTimeout(this.#timer)
    clearInterval(this.#poll)
    for (const watcher of this.#watchers) watcher.close()
  }

  /** A file is often written in several steps. */
  #soon() {
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => this.#check(), SETTLE_MS).unref()
  }

  #check() {
    const now = this.#fingerprint()
    if (now === this.#seen) return
    this.#seen = now
    this.#onChange()
  }

  #fingerprint(): string {
    const hash = createHash('sha256')
    for (const file of this.#paths.flatMap(filesIn)) hash.update(file).update(contentOf(file))
    return hash.digest('hex')
  }
}

const isDirectory = (path: string) => existsSync(path) && statSync(path).isDirectory()

const filesIn = (path: string): string[] =>
  isDirectory(path)
    ? readdirSync(path)
        .toSorted()
        .map((name) => join(path, name))
    : [path]

function contentOf(path: string): Buffer | string {
  try {
    return readFileSync(path)
  } catch (error) {
    // Gone or unreadable is a state like any other: the load will say so.
    return error instanceof Error ? error.message : String(error)
  }
}
