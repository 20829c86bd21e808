/** A Unix socket's path before it is listened on: what a killed process left goes, what answers is another's. */
import { existsSync, rmSync } from 'node:fs'
import { connect } from 'node:net'

/** Another responder works in the same data directory. */
export class SocketInUse extends Error {
  override readonly name = 'SocketInUse'
  readonly code = 'socket_in_use'
  readonly retryable = false
}

export async function removeStaleSocket(path: string): Promise<void> {
  if (!existsSync(path)) return
  const isAlive = await new Promise<boolean>((resolve) => {
    const probe = connect(path, () => {
      probe.destroy()
      resolve(true)
    })
    probe.once('error', () => {
      resolve(false)
    })
  })
  if (isAlive)
    throw new SocketInUse(`another responder answers at ${path}; stop it, or use another --data`)
  // Its process may take it away itself, just now.
  rmSync(path, { force: true })
}
