import { once } from 'node:events'
import type { Server } from 'node:http'

export interface Listening extends AsyncDisposable {
  readonly url: string
  readonly stop: () => Promise<void>
  readonly start: () => Promise<void>
}

/** A server of the test's own, on a free port that it keeps over `stop` and `start`. */
export async function listening(server: Server): Promise<Listening> {
  let port = 0
  const start = async () => {
    server.listen(port, '127.0.0.1')
    await once(server, 'listening')
    const address = server.address()
    if (address !== null && typeof address !== 'string') ({ port } = address)
  }
  const stop = async () => {
    if (!server.listening) return
    const closed = once(server, 'close')
    server.close()
    server.closeAllConnections()
    await closed
  }
  await start()
  return { url: `http://127.0.0.1:${port}`, stop, start, [Symbol.asyncDispose]: stop }
}
