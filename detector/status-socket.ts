/** Health and metrics of this detector on a unix socket in its data directory: it opens no port. */
import { rmSync } from 'node:fs'
import type { Server } from 'node:http'
import { once } from 'node:events'
import { chmod } from 'node:fs/promises'

export interface StatusPages {
  readonly metrics: () => string
  readonly degraded: () => readonly string[]
}

/** `GET /metrics`, and `GET /healthz`: 200 `{"status":"ok"}` as Falco answers, 503 with what is degraded. */
export async function serveStatus(path: string, pages: StatusPages): Promise<Server> {
  rmSync(path, { force: true })
  // Not imported: outputs/client.ts says why.
  const server = process.getBuiltinModule('node:http').createServer((request, response) => {
    if (request.url === '/metrics') {
      response.setHeader('content-type', 'text/plain; version=0.0.4')
      response.end(pages.metrics())
      return
    }
    if (request.url !== '/healthz') {
      response.writeHead(404).end()
      return
    }
    const degraded = pages.degraded()
    const body = degraded.length === 0 ? { status: 'ok' } : { status: 'degraded', degraded }
    response.writeHead(degraded.length === 0 ? 200 : 503, { 'content-type': 'application/json' })
    response.end(JSON.stringify(body))
  })
  server.listen(path)
  await once(server, 'listening')
  await chmod(path, 0o600)
  return server
}
