/** Logging in: a one-time code from the socket, a session for the browser. There is no password anywhere. */
import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import { cookieOptions, sessionCookie, type Door } from './app.ts'
import type { Logins } from './logins.ts'
import { read, Refused } from './reply.ts'
import { whyCrossSite } from './same-origin.ts'

/** On the socket only: who is on the machine may let a browser in. The code stands behind `#`, which no log sees. */
export function loginCodeRoute(
  app: FastifyInstance,
  logins: Logins,
  publicUrl: () => string,
): void {
  app.post('/v1/login-codes', async (request) => ({
    url: `${publicUrl()}/login#${await logins.issueCode(request.person?.name ?? 'local')}`,
    validMs: 5 * 60_000,
  }))
}

const loginBody = z.strictObject({ code: z.string().min(20).max(100) })

export function sessionRoutes(
  app: FastifyInstance,
  door: Extract<Door, { kind: 'network' }>,
): void {
  const limited = { access: 'open', rateLimit: { max: 10, timeWindow: 60_000 } } as const
  app.post('/v1/session', { config: limited }, async (request, reply) => {
    const crossSite = whyCrossSite(request, door.origins)
    if (crossSite !== null) throw new Refused(403, 'cross_site', crossSite)
    const token = await door.logins.redeem(read(loginBody, request.body).code)
    if (token === null)
      throw new Refused(
        401,
        'code_used',
        'this link was used or is older than 5 minutes: riposte login',
      )
    return reply.setCookie(sessionCookie, token, cookieOptions(door)).code(204).send()
  })
  app.delete('/v1/session', async (request, reply) => {
    await door.logins.close(request.cookies[sessionCookie] ?? '')
    return reply.clearCookie(sessionCookie, cookieOptions(door)).code(204).send()
  })
}
