/** One holder on this machine at a time; the kernel lets go when the holder dies, so there is no stale lock to find. */
import { once } from 'node:events'
import { connect, createServer, type Server, type Socket } from 'node:net'

/** Does `work` once nobody else holds `name`. */
export async function exclusively<T>(name: string, work: () => Promise<T>): Promise<T> {
  // An abstract Unix socket: bound by one process, gone with it, no file.
  const path = `\0riposte-${name}`
  for (;;) {
    const release = await bind(path)
    if (release === undefined) {
      await holderLetGo(path)
      continue
    }
    try {
      return await work()
    } finally {
      await release()
    }
  }
}

/** Returns what lets go; undefined when somebody else holds it. */
async function bind(path: string): Promise<(() => Promise<void>) | undefined> {
  const waiting = new Set<Socket>()
  const server: Server = createServer((socket) => {
    waiting.add(socket)
    socket.on('error', () => undefined)
  })
  const listening = once(server, 'listening')
  server.listen(path)
  try {
    await listening
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EADDRINUSE') return undefined
    throw error
  }
  server.unref()
  return async () => {
    const closed = once(server, 'close')
    server.close()
    for (const socket of waiting) socket.destroy()
    await closed
  }
}

async function holderLetGo(path: string): Promise<void> {
  const socket = connect(path)
  // Refused or reset means that it let go: either way it is time to try again.
  socket.on('error', () => undefined)
  await new Promise((resume) => socket.resume().once('close', resume))
}
