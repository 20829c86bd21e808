/** Lines to a file, a FIFO, a terminal or an inherited descriptor, without ever blocking a thread on a reader. */
import { constants } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Destination } from './queued.ts'
import type { OutputLine } from './output.ts'

export interface LinesOptions {
  readonly name: string
  readonly path: string
  /** Otherwise it is opened for each batch, as Falco does for each alert. */
  readonly keepAlive: boolean
}

/** How long to wait before a reader that is behind is asked again. */
const FULL_PIPE_PAUSE_MS = 10

export class LinesDestination implements Destination {
  readonly name: string
  readonly maxBatch = 256
  readonly #options: LinesOptions
  #handle: FileHandle | undefined

  constructor(options: LinesOptions) {
    this.name = options.name
    this.#options = options
  }

  async deliver(lines: readonly OutputLine[]): Promise<void> {
    this.#handle ??= await openForLines(this.#options.path)
    await writeAll(this.#handle, Buffer.from(lines.map(({ text }) => `${text}\n`).join('')))
    if (!this.#options.keepAlive) await this.close()
  }

  /** Opens lazily: the next line goes to the new file, and an idle one leaves no empty file behind. */
  reopen(): Promise<void> {
    return this.close()
  }

  async close(): Promise<void> {
    const handle = this.#handle
    this.#handle = undefined
    await handle?.close()
  }
}

/**
 * O_NONBLOCK: a FIFO without a reader is an error at once and a full one is EAGAIN, where a blocking write would
 * hold one of the few threads of the pool and the exit of the process with it.
 */
function openForLines(path: string): Promise<FileHandle> {
  const { O_WRONLY, O_APPEND, O_CREAT, O_NONBLOCK, O_NOCTTY } = constants
  const create = path.startsWith('/proc/') ? 0 : O_CREAT
  return open(path, O_WRONLY | O_APPEND | create | O_NONBLOCK | O_NOCTTY, 0o600)
}

async function writeAll(handle: FileHandle, bytes: Buffer): Promise<void> {
  let written = 0
  /* oxlint-disable no-await-in-loop -- one stream of bytes */
  while (written < bytes.length) {
    try {
      written += (await handle.write(bytes, written)).bytesWritten
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'EAGAIN')) throw error
      await sleep(FULL_PIPE_PAUSE_MS)
    }
  }
  /* oxlint-enable no-await-in-loop */
}

/**
 * Descriptor 1 or 2, opened anew through /proc so that O_NONBLOCK stays ours (the terminal is shared with the
 * shell). A socket cannot be opened again; libuv writes to it without blocking.
 */
export class InheritedDestination implements Destination {
  readonly name: string
  readonly maxBatch = 256
  readonly #descriptor: 1 | 2
  readonly #lines: LinesDestination
  #socket: Socket | undefined

  constructor(name: string, descriptor: 1 | 2) {
    this.name = name
    this.#descriptor = descriptor
    this.#lines = new LinesDestination({
      name,
      path: `/proc/self/fd/${descriptor}`,
      keepAlive: true,
    })
  }

  async deliver(lines: readonly OutputLine[]): Promise<void> {
    if (this.#socket !== undefined) return this.#send(this.#socket, lines)
    try {
      return await this.#lines.deliver(lines)
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'ENXIO')) throw error
      this.#socket = new Socket({ fd: this.#descriptor, readable: false, writable: true })
      this.#socket.on('error', () => undefined).unref()
      return this.#send(this.#socket, lines)
    }
  }

  #send(socket: Socket, lines: readonly OutputLine[]): Promise<void> {
    return new Promise((resolve, reject) => {
      socket.write(lines.map(({ text }) => `${text}\n`).join(''), (error) =>
        error === null || error === undefined ? resolve() : reject(error),
      )
    })
  }

  async reopen(): Promise<void> {
    await Promise.resolve()
  }

  async close(): Promise<void> {
    await this.#lines.close()
  }
}
