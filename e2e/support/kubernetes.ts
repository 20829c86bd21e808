/** What tests of the responder against a real API server begin with. */
import { once } from 'node:events'
import type { Server } from 'node:http'

/** A pod that no scheduler takes: enough for what the API server judges. */
export const podOf = (
  name: string,
  labels?: Readonly<Record<string, string>>,
  spec: Readonly<Record<string, unknown>> = {},
) => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name, namespace: 'default', ...(labels === undefined ? {} : { labels }) },
  spec: {
    schedulerName: 'nobody',
    containers: [{ name: 'main', image: 'none' }],
    ...spec,
  },
})

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
