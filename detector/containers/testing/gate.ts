/** A second door to a socket that a test can shut: who asks waits, or finds nobody. */
import { once } from 'node:events'
import { rmSync } from 'node:fs'
import { type Server, type Socket, connect, createServer } from 'node:net'

export class Gate implements AsyncDisposable {
  readonly path: string
  readonly #to: string
  readonly #pairs = new Set<readonly [Socket, Socket]>()
  #server: Server | undefined
  #isShut = false

  constructor(path: string, to: string) {
    this.path = path
    this.#to = to
  }

  async open(): Promise<void> {
    this.#server = createServer((caller) => {
      const answerer = connect(this.#to)
      const pair = [caller, answerer] as const
      this.#pairs.add(pair)
      for (const [from, to] of [pair, pair.toReversed()] as const) {
        from?.on('error', () => to?.destroy())
        from?.on('close', () => to?.destroy())
        if (to !== undefined) from?.pipe(to)
      }
      caller.on('close', () => this.#pairs.delete(pair))
      if (this.#isShut) answerer.pause()
    })
    await once(this.#server.listen(this.path), 'listening')
  }

  /** Questions go in, no answer comes out. */
  shut(): void {
    this.#isShut = true
    for (const [, answerer] of this.#pairs) answerer.unpipe().pause()
  }

  release(): void {
    this.#isShut = false
    for (const [caller, answerer] of this.#pairs) answerer.pipe(caller)
  }

  /** The socket is gone, as when the runtime is restarted. */
  async remove(): Promise<void> {
    const server = this.#server
    this.#server = undefined
    for (const pair of this.#pairs) for (const socket of pair) socket.destroy()
    if (server !== undefined) await once(server.close(), 'close')
    rmSync(this.path, { force: true })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.remove()
  }
}
