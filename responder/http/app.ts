/** One fastify for each door: the unix socket, whose caller is the local user, and TCP, where a login is needed. */
import { createServer } from 'node:https'
import cookie from '@fastify/cookie'
import helmet from '@fastify/helmet'
import rateLimit from '@fastify/rate-limit'
import fastify, {
  LogController,
  type FastifyBaseLogger,
  type FastifyError,
  type FastifyInstance,
  type FastifyRequest,
  type FastifyServerFactory,
} from 'fastify'
import { bearerOf } from './bearer.ts'
import type { Logins, Person } from './logins.ts'
import { Refused } from './reply.ts'
import { isOurHost, whyCrossSite } from './same-origin.ts'
import { isSameSecret } from './secret-file.ts'
import type { TlsSource } from '../tls/tls-source.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** Null only on routes that are open. */
    person: Person | null
  }
  interface FastifyContextConfig {
    /** open: anybody · node: checks a node's token itself · absent: people who are logged in. */
    access?: 'open' | 'node'
    /** Answers under every name: nothing that a browser's page could use. */
    isAnyHost?: boolean
  }
}

export const sessionCookie = 'riposte_session'

export type Door =
  | { readonly kind: 'socket'; readonly localUser: string }
  | {
      readonly kind: 'network'
      /** Host names and addresses that are ours: what Host may say, with any port (a forwarded one is any). */
      readonly names: ReadonlySet<string>
      /** What Origin may say beside what Host says: publicUrl's. */
      readonly origins: ReadonlySet<string>
      readonly logins: Logins
      /** Bearer token for scripts, read anew each time so that it can be replaced; null when there is none. */
      readonly apiToken: () => string | null
      readonly isSecure: boolean
    }

const bodyLimit = 4 << 20
const requestTimeoutMs = 30_000

export async function createApp(
  door: Door,
  logger: FastifyBaseLogger,
  tls: TlsSource | null = null,
): Promise<FastifyInstance> {
  const app = fastify({
    ...(tls === null ? {} : { serverFactory: overTls(tls) }),
    loggerInstance: logger,
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit,
    // A file's name of 200 characters, each escaped.
    routerOptions: { maxParamLength: 600 },
    requestTimeout: requestTimeoutMs,
    // A long poll must not hold up the end.
    forceCloseConnections: true,
    return503OnClosing: true,
  })
  // JSON or nothing: a form of another site cannot send it without being asked first.
  app.removeContentTypeParser('text/plain')
  await app.register(cookie)
  await app.register(helmet, helmetOptions(door))
  await app.register(rateLimit, { global: false })
  app.decorateRequest('person', null)
  app.addHook('onRequest', async (request, reply) => {
    reply.header('cache-control', 'no-store')
    const { access, isAnyHost } = request.routeOptions.config
    if (door.kind === 'network' && isAnyHost !== true && !isOurHost(request.headers, door.names))
      throw new Refused(
        421,
        'wrong_host',
        'the Host header names another server: set publicUrl or tls.names',
      )
    if (access === 'open' || access === 'node' || request.is404) return
    request.person = await whoIs(door, request, (token) => {
      void reply.setCookie(sessionCookie, token, cookieOptions(door))
    })
    if (request.person === null) throw new Refused(401, 'no_login', 'log in: riposte login')
  })
  app.setErrorHandler<FastifyError>((error, request, reply) => {
    const status = error instanceof Refused ? error.status : statusOf(error)
    if (status >= 500) request.log.error({ err: error, url: request.url }, 'request failed')
    const message = status === 500 ? 'the responder failed; its log says why' : error.message
    return reply.code(status).send({ error: { code: codeOf(error), message } })
  })
  app.setNotFoundHandler((request, reply) =>
    reply
      .code(404)
      .send({ error: { code: 'not_found', message: `no ${request.method} ${request.url}` } }),
  )
  return app
}

/** With a new certificate, connections that stand go on under the old one. */
const overTls =
  (tls: TlsSource): FastifyServerFactory =>
  (handler) => {
    const options = { requestCert: tls.isAskingClients, rejectUnauthorized: false }
    const server = createServer({ ...tls.context(), ...options }, handler)
    server.requestTimeout = requestTimeoutMs
    // Idle connections of pollers are theirs to keep; as fastify's own.
    server.keepAliveTimeout = 72_000
    tls.onChange(() => {
      server.setSecureContext(tls.context())
    })
    return server
  }

/** Errors of the world answer by their code; fastify's own carry a status. */
const statusOf = (error: FastifyError) => error.statusCode ?? statuses.get(error.code) ?? 500

const statuses = new Map([
  ['ledger_full', 503],
  ['redis_unavailable', 503],
  ['node_unavailable', 503],
  ['evidence_too_big', 413],
  ['evidence_damaged', 503],
  ['evidence_unkept', 503],
])

const codeOf = (error: { readonly code?: unknown }) =>
  typeof error.code === 'string' ? error.code : 'failed'

export const cookieOptions = (door: Door) =>
  ({
    path: '/',
    httpOnly: true,
    sameSite: 'strict',
    secure: door.kind === 'network' && door.isSecure,
  }) as const

async function whoIs(
  door: Door,
  request: FastifyRequest,
  setCookie: (token: string) => void,
): Promise<Person | null> {
  if (door.kind === 'socket') return localPerson(door.localUser, request)
  const bearer = bearerOf(request)
  const expected = door.apiToken()
  if (bearer !== null)
    return expected !== null && isSameSecret(bearer, expected)
      ? { name: 'api-token', via: 'token' }
      : null
  const token = request.cookies[sessionCookie]
  const use = token === undefined ? null : await door.logins.use(token)
  if (use === null) return null
  const crossSite = whyCrossSite(request, door.origins)
  if (crossSite !== null) throw new Refused(403, 'cross_site', crossSite)
  if (use.rotated !== null) setCookie(use.rotated)
  return use.person
}

/** Who opened a 0600 socket is its owner, who may act for a person: sudo, or `--as`, says who that was. */
function localPerson(localUser: string, { headers }: FastifyRequest): Person {
  const claimed = headers['riposte-user']
  const name = typeof claimed === 'string' && /^[\w.@-]{1,64}$/.test(claimed) ? claimed : localUser
  return { name, via: 'socket' }
}

function helmetOptions(door: Door) {
  const isSecure = door.kind === 'network' && door.isSecure
  const directives = {
    'default-src': ["'none'"],
    'script-src': ["'self'"],
    'style-src': ["'self'"],
    'img-src': ["'self'", 'data:'],
    'connect-src': ["'self'"],
    'base-uri': ["'none'"],
    'form-action': ["'none'"],
    'frame-ancestors': ["'none'"],
    'require-trusted-types-for': ["'script'"],
  }
  return {
    contentSecurityPolicy: { useDefaults: false, directives },
    strictTransportSecurity: isSecure && { maxAge: 31_536_000, includeSubDomains: false },
    referrerPolicy: { policy: 'no-referrer' },
  } as const
}
