/** Approvals and containments: what waits for people, and what is live because of them. */
import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import { approvalStatuses } from '../approval.ts'
import type { VoteResult } from '../approvals.ts'
import { findContainment, listContainments } from '../ledger/effects.ts'
import { findStep } from '../ledger/steps.ts'
import { findApproval, listApprovals } from '../ledger/votes.ts'
import { parseDuration } from '../policy/duration.ts'
import type { Office } from './office.ts'
import { limitQuery, notFound, read, reasonBody, Refused, who } from './reply.ts'
import { wholeId } from './whole-id.ts'

const approvalQuery = limitQuery.extend({
  status: z.enum([...approvalStatuses, 'all']).default('pending'),
})
const ballotBody = reasonBody.extend({ choice: z.enum(['approve', 'deny']) })

/** What the caller is told when the vote changed nothing. */
const refusals: Readonly<Partial<Record<VoteResult['kind'], number>>> = {
  unknown: 404,
  already_decided: 409,
  already_voted: 409,
  not_allowed: 403,
  reason_required: 422,
}

export function approvalRoutes(app: FastifyInstance, office: Office): void {
  const { core, ledger } = office

  app.get('/v1/approvals', async (request) => {
    const { status, limit } = read(approvalQuery, request.query)
    const filter = status === 'all' ? { limit } : { status, limit }
    return { nowMs: ledger.clock.nowMs(), approvals: await listApprovals(ledger, filter) }
  })

  app.get('/v1/approvals/:id', async (request) => {
    const id = await wholeId(ledger, 'approvals', request.params)
    const approval = await findApproval(ledger, id)
    if (approval === null) throw notFound(`approval ${id}`)
    return { ...approval, step: (await findStep(ledger, approval.stepId)) ?? null }
  })

  app.post('/v1/approvals/:id/votes', async (request) => {
    const id = await wholeId(ledger, 'approvals', request.params)
    const { choice, reason } = read(ballotBody, request.body)
    const { person } = request
    if (person === null) throw new Refused(401, 'no_login', 'log in to vote')
    const channel = person.via === 'session' ? 'web' : 'cli'
    const voter = { name: person.name, groups: groupsOf(person.name, office.groups) }
    const result = await core.vote({ approvalId: id, voter, choice, reason, channel })
    const status = refusals[result.kind]
    if (status !== undefined) throw new Refused(status, result.kind, result.message)
    return result
  })
}

const groupsOf = (name: string, groups: Office['groups']): readonly string[] =>
  Object.entries(groups).flatMap(([group, members]) => (members.includes(name) ? [group] : []))

const containmentQuery = limitQuery.extend({ all: z.stringbool().default(false) })
const extendBody = reasonBody.extend({ by: z.string().max(20) })

export function containmentRoutes(app: FastifyInstance, office: Office): void {
  const { core, ledger } = office

  app.get('/v1/containments', async (request) => {
    const { all, limit } = read(containmentQuery, request.query)
    const containments = await listContainments(ledger, { isLive: !all, limit })
    return { nowMs: ledger.clock.nowMs(), containments }
  })

  app.post('/v1/containments/:id/undo', async (request) => {
    const id = await wholeId(ledger, 'containments', request.params)
    const { reason } = read(reasonBody, request.body)
    const requested = await core.undo(id, who(request, reason))
    if (requested.kind === 'unknown') throw notFound(`containment ${id}`)
    if (requested.kind === 'not_live')
      throw new Refused(409, 'not_live', `containment ${id} is ${requested.status}`)
    return { stepId: requested.step.id }
  })

  app.post('/v1/containments/:id/extend', async (request) => {
    const id = await wholeId(ledger, 'containments', request.params)
    const { by, reason } = read(extendBody, request.body)
    const ms = parseDuration(by)
    if (ms === undefined) throw new Refused(400, 'invalid', `by: ${by} is no duration such as 2h`)
    const found = await findContainment(ledger, id)
    if (found === undefined) throw notFound(`containment ${id}`)
    // From now on, but never shorter than it was.
    const leftMs = Math.max(0, (found.expiresMs ?? 0) - ledger.clock.nowMs())
    if (!(await core.extend(id, leftMs + ms, who(request, reason))))
      throw new Refused(409, 'not_live', `containment ${id} is ${found.status}`)
    return { expiresMs: ledger.clock.nowMs() + leftMs + ms }
  })
}
