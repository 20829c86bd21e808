/** Opens both doors: the unix socket of the data directory, and TCP. */
import { chmodSync, rmSync } from 'node:fs'
import { isIP } from 'node:net'
import { userInfo } from 'node:os'
import type { FastifyBaseLogger, FastifyInstance } from 'fastify'
import { alertRoutes } from './alert-routes.ts'
import { createApp, type Door } from './app.ts'
import { approvalRoutes, containmentRoutes } from './approval-routes.ts'
import { auditRoutes } from './audit-routes.ts'
import { evidenceRoutes } from './evidence-routes.ts'
import { healthRoutes } from './health-routes.ts'
import { Logins } from './logins.ts'
import { nodeRoutesOn, type NodeDoor } from './node-routes.ts'
import type { Office } from './office.ts'
import { pageRoutes } from './page-routes.ts'
import { removeStaleSocket } from '../stale-socket.ts'
import type { TlsSource } from '../tls/tls-source.ts'
import { policyRoutes } from './policy-routes.ts'
import { loginCodeRoute, sessionRoutes } from './session-routes.ts'

export interface ServerOptions {
  readonly socketPath: string
  /** Port 0 takes any free one. */
  readonly listen: { readonly host: string; readonly port: number }
  /** Where people reach it when that is not where it listens: behind a proxy, by another name. */
  readonly publicUrl: string | null
  /** Null: in the clear, as behind a proxy or on loopback. */
  readonly tls: TlsSource | null
  /** Names that people may call it by, beside those. */
  readonly names: readonly string[]
  readonly apiToken: () => string | null
}

export interface Server extends AsyncDisposable {
  /** What people open in a browser. */
  readonly url: string
}

export async function startServer(
  options: ServerOptions,
  office: Office,
  nodes: NodeDoor,
  logger: FastifyBaseLogger,
): Promise<Server> {
  const logins = new Logins(office.ledger)
  const { tls } = options
  const names = new Set([...namesOf(options.listen.host), ...options.names.map(nameOf)])
  const origins = new Set<string>()
  if (options.publicUrl !== null) {
    const { origin, hostname } = new URL(options.publicUrl)
    origins.add(origin)
    names.add(hostname)
  }
  let url = options.publicUrl ?? ''
  const local: Door = { kind: 'socket', localUser: userInfo().username }
  const network: Door = {
    kind: 'network',
    names,
    origins,
    logins,
    apiToken: options.apiToken,
    isSecure: tls !== null || url.startsWith('https:'),
  }
  const socket = await createApp(local, logger)
  const tcp = await createApp(network, logger, tls)
  for (const app of [socket, tcp]) routesOn(app, office, nodes)
  loginCodeRoute(socket, logins, () => url)
  sessionRoutes(tcp, network)
  pageRoutes(tcp)
  await removeStaleSocket(options.socketPath)
  await listenPrivately(socket, options.socketPath)
  const { host } = options.listen
  await tcp.listen(options.listen)
  const address = tcp.server.address()
  const port = typeof address === 'object' && address !== null ? address.port : options.listen.port
  url ||= `${tls === null ? 'http' : 'https'}://${nameOf(host)}:${port}`
  return {
    url,
    [Symbol.asyncDispose]: async () => {
      nodes.hub.close()
      await Promise.all([socket.close(), tcp.close()])
      rmSync(options.socketPath, { force: true })
    },
  }
}

function routesOn(app: FastifyInstance, office: Office, nodes: NodeDoor): void {
  nodeRoutesOn(app, nodes)
  alertRoutes(app, office)
  approvalRoutes(app, office)
  containmentRoutes(app, office)
  policyRoutes(app, office)
  auditRoutes(app, office)
  evidenceRoutes(app, office)
  healthRoutes(app, office)
}

/** The socket is never open to others, not even between bind and chmod. */
async function listenPrivately(app: FastifyInstance, path: string): Promise<void> {
  const before = process.umask(0o177)
  try {
    await app.listen({ path })
  } finally {
    process.umask(before)
  }
  chmodSync(path, 0o600)
}

const nameOf = (host: string) => (isIP(host) === 6 ? `[${host}]` : host)

/** A loopback address may be called by any of its names, and who listens everywhere listens there too. */
function namesOf(host: string): readonly string[] {
  const isLoopback = ['127.0.0.1', '::1', 'localhost', '0.0.0.0', '::'].includes(host)
  return isLoopback ? [nameOf(host), '127.0.0.1', 'localhost', '[::1]'] : [nameOf(host)]
}
