/** What detectors call: alerts in, orders out, answers and heartbeats in. Who they are and may say: trust/. */
import { Readable } from 'node:stream'
import type { FastifyInstance } from 'fastify'
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
  nodeRoutes,
  sha256Header,
  type Orders,
} from '../../contract/verdict.ts'
import type { TakeEvidence } from '../evidence/from-nodes.ts'
import { hubName, refuseOther, type NodeTrust } from '../trust/trust.ts'
import type { NodeHub } from './node-hub.ts'
import { read, Refused } from './reply.ts'

export interface NodeDoor {
  readonly hub: NodeHub
  readonly trust: NodeTrust
  /** Resolves once the ledger holds every alert: only then the node forgets them. */
  readonly takeAlerts: (alerts: readonly Alert[]) => Promise<void>
  readonly takeEvidence: TakeEvidence
  /** As takeAlerts; what is not waiting for an amendment is passed over. */
  readonly takeAmendments: (amendments: readonly Amendment[]) => Promise<void>
}

const pollQuery = z.strictObject({
  strikes: z.string().max(100).default(''),
  waitMs: z.coerce.number().int().min(0).max(60_000).default(0),
})

const evidenceParams = z.strictObject({
  step: z.string().min(1).max(253),
  name: z.string().min(1).max(200),
})
const evidenceHeaders = z.looseObject({ [sha256Header]: z.string().regex(/^[0-9a-f]{64}$/) })

export function nodeRoutesOn(app: FastifyInstance, door: NodeDoor): void {
  const { hub, trust, takeAlerts, takeAmendments, takeEvidence } = door
  const config = { access: 'node', isAnyHost: true } as const

  app.post(nodeRoutes.alerts, { config }, async (request, reply) => {
    const caller = await trust.identify(request)
    const { alerts } = read(alertBatchSchema, request.body)
    await takeAlerts(await trust.vouch(caller, alerts))
    return reply.code(204).send()
  })

  app.post(nodeRoutes.amendments, { config }, async (request, reply) => {
    const caller = await trust.identify(request)
    const { amendments } = read(amendmentBatchSchema, request.body)
    await takeAmendments(await trust.vouchAmendments(caller, amendments))
    return reply.code(204).send()
  })

  app.post(nodeRoutes.heartbeat, { config }, async (request, reply) => {
    const caller = await trust.identify(request)
    const heartbeat = read(heartbeatSchema, request.body)
    refuseOther(caller, heartbeat.node)
    hub.heartbeat(hubName(caller), heartbeat)
    return reply.code(204).send()
  })

  app.post(nodeRoutes.answers, { config }, async (request, reply) => {
    const node = hubName(await trust.identify(request))
    hub.answer(node, read(answerSchema, request.body))
    return reply.code(204).send()
  })

  app.addContentTypeParser('application/octet-stream', (_request, body, done) => {
    done(null, body)
  })
  app.post(`${nodeRoutes.evidence}/:step/:name`, { config }, async (request, reply) => {
    const caller = await trust.identify(request)
    const { step, name } = read(evidenceParams, request.params)
    const { [sha256Header]: sha256 } = read(evidenceHeaders, request.headers)
    if (!(request.body instanceof Readable))
      throw new Refused(415, 'no_file', 'evidence comes as application/octet-stream')
    const gone = new AbortController()
    reply.raw.once('close', () => {
      gone.abort()
    })
    await takeEvidence({
      node: hubName(caller),
      stepId: step,
      name,
      sha256,
      content: request.body,
      signal: gone.signal,
    })
    return reply.code(204).send()
  })

  app.get(nodeRoutes.orders, { config }, async (request, reply) => {
    const node = hubName(await trust.identify(request))
    const { strikes, waitMs } = read(pollQuery, request.query)
    const gone = new AbortController()
    let taken: Orders | null = null
    reply.raw.once('close', () => {
      if (reply.raw.writableFinished) return
      gone.abort()
      if (taken !== null) hub.takeBack(node, taken)
    })
    // It may have gone while we asked who it is.
    if (reply.raw.closed) gone.abort()
    taken = await hub.orders(node, strikes, waitMs, gone.signal)
    return taken
  })
}
