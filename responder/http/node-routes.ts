/** What detectors call: alerts in, orders out, answers and heartbeats in. The node proves itself by its token. */
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { z } from 'zod'
import {
  alertBatchSchema,
  amendmentBatchSchema,
  type Alert,
  type Amendment,
} from '../../contract/alert.ts'
import {
  answerSchema,
  heartbeatSchema,
  nodeHeader,
  nodeRoutes,
  type Orders,
} from '../../contract/verdict.ts'
import { bearerOf } from './app.ts'
import type { NodeHub } from './node-hub.ts'
import { read, Refused } from './reply.ts'
import { isSameSecret } from './secret-file.ts'

export interface NodeDoor {
  readonly hub: NodeHub
  readonly nodeToken: () => string
  /** Resolves once the ledger holds every alert: only then the node forgets them. */
  readonly takeAlerts: (alerts: readonly Alert[]) => Promise<void>
  /** As takeAlerts; what is not waiting for an amendment is passed over. */
  readonly takeAmendments: (amendments: readonly Amendment[]) => Promise<void>
}

const pollQuery = z.strictObject({
  strikes: z.string().max(100).default(''),
  waitMs: z.coerce.number().int().min(0).max(60_000).default(0),
})

export function nodeRoutesOn(app: FastifyInstance, door: NodeDoor): void {
  const { hub, nodeToken, takeAlerts, takeAmendments } = door
  const config = { access: 'node' } as const

  app.post(nodeRoutes.alerts, { config }, async (request, reply) => {
    const node = nodeOf(request, nodeToken)
    const { alerts } = read(alertBatchSchema, request.body)
    for (const alert of alerts) refuseOther(node, alert.node)
    await takeAlerts(alerts)
    return reply.code(204).send()
  })

  app.post(nodeRoutes.amendments, { config }, async (request, reply) => {
    const node = nodeOf(request, nodeToken)
    const { amendments } = read(amendmentBatchSchema, request.body)
    for (const amendment of amendments) refuseOther(node, amendment.node)
    await takeAmendments(amendments)
    return reply.code(204).send()
  })

  app.post(nodeRoutes.heartbeat, { config }, (request, reply) => {
    const node = nodeOf(request, nodeToken)
    const heartbeat = read(heartbeatSchema, request.body)
    refuseOther(node, heartbeat.node)
    hub.heartbeat(node, heartbeat)
    return reply.code(204).send()
  })

  app.post(nodeRoutes.answers, { config }, (request, reply) => {
    const node = nodeOf(request, nodeToken)
    hub.answer(node, read(answerSchema, request.body))
    return reply.code(204).send()
  })

  app.get(nodeRoutes.orders, { config }, async (request, reply) => {
    const node = nodeOf(request, nodeToken)
    const { strikes, waitMs } = read(pollQuery, request.query)
    const gone = new AbortController()
    let taken: Orders | null = null
    reply.raw.once('close', () => {
      if (reply.raw.writableFinished) return
      gone.abort()
      if (taken !== null) hub.takeBack(node, taken)
    })
    taken = await hub.orders(node, strikes, waitMs, gone.signal)
    return taken
  })
}

function nodeOf(request: FastifyRequest, nodeToken: () => string): string {
  const token = bearerOf(request)
  if (token === null || !isSameSecret(token, nodeToken()))
    throw new Refused(401, 'no_node_token', 'the node token is missing or wrong')
  const node = request.headers[nodeHeader]
  if (typeof node !== 'string' || !/^[\w.-]{1,253}$/.test(node))
    throw new Refused(400, 'no_node', `the header ${nodeHeader} must name the node`)
  return node
}

function refuseOther(node: string, named: string): void {
  if (named !== node) throw new Refused(403, 'other_node', `${node} may not speak for ${named}`)
}
