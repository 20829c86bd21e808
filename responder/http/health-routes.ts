/** How Riposte itself is. `/healthz` is open and says one word; everything else needs a login. */
import type { FastifyInstance } from 'fastify'
import type { Office } from './office.ts'

export function healthRoutes(app: FastifyInstance, office: Office): void {
  app.get('/healthz', { config: { access: 'open', isAnyHost: true } }, () => ({
    status: office.degraded().length === 0 ? 'ok' : 'degraded',
  }))

  app.get('/v1/health', (request) => ({
    degraded: office.degraded(),
    killSwitch: office.core.killSwitch(),
    nodes: office.hub.seen(),
    policies: office.inForce().set.policies.length,
    version: office.version,
    startedMs: office.startedMs,
    nowMs: Date.now(),
    person: request.person?.name ?? null,
  }))

  app.get('/v1/nodes', () => ({ nodes: office.hub.seen() }))

  // Prometheus calls each pod by its address; who may read it is by its token.
  app.get('/metrics', { config: { isAnyHost: true } }, async (_request, reply) =>
    reply.type('text/plain; version=0.0.4; charset=utf-8').send(await office.metrics()),
  )
}
