/** One responder to a data directory: the second one would stop the first one's Redis and share its ledger. */
import { createServer } from 'node:net'
import { once } from 'node:events'
import { join } from 'node:path'
import { removeStaleSocket } from './stale-socket.ts'

/** Held by a socket that answers as long as its process lives, so kill -9 leaves nothing that has to be cleaned by hand. */
export async function claimDirectory(directory: string): Promise<AsyncDisposable> {
  const path = join(directory, 'claim.sock')
  await removeStaleSocket(path)
  const server = createServer((socket) => socket.destroy())
  server.listen(path)
  await once(server, 'listening')
  // The claim alone keeps no process alive.
  server.unref()
  return {
    [Symbol.asyncDispose]: () =>
      new Promise<void>((resolve) => {
        server.close(() => {
          resolve()
        })
      }),
  }
}
