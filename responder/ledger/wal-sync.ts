/**
 * Makes SQLite's commits durable beside the event loop. With synchronous=NORMAL a commit is whole in the write-ahead
 * log but not on the disk; this syncs the log in a thread, once for all commits that wait. A power cut keeps a prefix of
 * the log, so what is told as durable never rests on something that is lost.
 */
import { open, type FileHandle } from 'node:fs/promises'

export class WalSync implements AsyncDisposable {
  readonly #file: FileHandle
  #running: Promise<void> | undefined
  #next: Promise<void> | undefined

  private constructor(file: FileHandle) {
    this.#file = file
  }

  /** The log is there once the database was written, and stays the same file as long as it is open. */
  static async open(databasePath: string): Promise<WalSync> {
    return new WalSync(await open(`${databasePath}-wal`, 'r+'))
  }

  /** Resolves when everything that was committed before the call is on the disk. */
  sync(): Promise<void> {
    // One that runs already may have begun before the commit: the one after it is ours.
    if (this.#running !== undefined) {
      this.#next ??= this.#running.then(
        () => this.#begin(),
        () => this.#begin(),
      )
      return this.#next
    }
    return this.#begin()
  }

  #begin(): Promise<void> {
    this.#next = undefined
    const running = this.#file.datasync().finally(() => {
      if (this.#running === running) this.#running = undefined
    })
    this.#running = running
    return running
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.allSettled([this.#running, this.#next])
    await this.#file.close()
  }
}
