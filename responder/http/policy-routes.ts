/** Policies as they hold now, their modes, the actions, and the kill switch. */
import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import { unknownName } from '../../contract/problem.ts'
import { listTrips } from '../ledger/switches.ts'
import { allPolicies, findPolicy, modeOf, type InForce } from '../policy/in-force.ts'
import type { Policy } from '../policy/policy.ts'
import { modes } from '../policy/schema.ts'
import { viewAction } from './action-view.ts'
import type { Office } from './office.ts'
import { idParams, notFound, read, reasonBody, Refused, who } from './reply.ts'

const modeBody = reasonBody.extend({ mode: z.enum(modes).nullable() })
const switchBody = reasonBody.extend({ isOn: z.boolean() })

export function policyRoutes(app: FastifyInstance, office: Office): void {
  const viewAll = async () => {
    const inForce = office.inForce()
    const trips = new Map(
      (await listTrips(office.ledger)).map(({ policy, reason }) => [policy, reason]),
    )
    return allPolicies(inForce).map((policy) => ({
      ...viewPolicy(inForce, policy),
      trip: trips.get(policy.name) ?? null,
    }))
  }

  app.get('/v1/policies', async () => ({
    generation: office.inForce().set.generation,
    problems: office.policyProblems(),
    policies: await viewAll(),
  }))

  app.get('/v1/policies/:id', async (request) => {
    const policy = knownPolicy(office, read(idParams, request.params).id)
    const view = (await viewAll()).find(({ name }) => name === policy.name)
    return { ...view, ladder: policy.ladder.map(viewRung), limits: policy.limits }
  })

  app.post('/v1/policies/:id/mode', async (request, reply) => {
    const { name } = knownPolicy(office, read(idParams, request.params).id)
    const { mode, reason } = read(modeBody, request.body)
    await office.setMode(name, mode, who(request, reason))
    return reply.code(204).send()
  })

  app.post('/v1/policies/:id/reset', async (request) => {
    const { name } = knownPolicy(office, read(idParams, request.params).id)
    const { reason } = read(reasonBody, request.body)
    return { wasTripped: await office.core.resetTrip(name, who(request, reason)) }
  })

  app.get('/v1/kill-switch', () => ({ reason: office.core.killSwitch() }))

  app.post('/v1/kill-switch', async (request) => {
    const { isOn, reason } = read(switchBody, request.body)
    await office.core.turnKillSwitch(isOn, who(request, reason))
    return { reason: office.core.killSwitch() }
  })

  app.get('/v1/actions', () => ({ actions: office.actions.map(viewAction) }))

  app.get('/v1/actions/:id', (request) => {
    const { id } = read(idParams, request.params)
    const action = office.actions.find(({ name }) => name === id)
    if (action === undefined)
      throw new Refused(
        404,
        'not_found',
        unknownName(
          'action',
          id,
          office.actions.map(({ name }) => name),
        ),
      )
    return viewAction(action)
  })
}

function knownPolicy(office: Office, name: string): Policy {
  const inForce = office.inForce()
  const policy = findPolicy(inForce, name)
  if (policy !== undefined) return policy
  const known = allPolicies(inForce).map((other) => other.name)
  throw name === ''
    ? notFound('policy')
    : new Refused(404, 'not_found', unknownName('policy', name, known))
}

function viewPolicy(inForce: InForce, policy: Policy) {
  const { name, kind, description, file, generation, selection, condition, correlate, fuse } =
    policy
  return {
    name,
    kind,
    description,
    file,
    generation,
    /** What holds. */
    mode: modeOf(inForce, policy),
    fileMode: policy.mode,
    override: inForce.overrides.get(name) ?? null,
    match: { ...selection, condition: condition?.text ?? null },
    correlate,
    fuse,
    actions: [
      ...new Set(policy.ladder.flatMap(({ actions }) => actions.map((action) => action.name))),
    ],
  }
}

const viewRung = (rung: Policy['ladder'][number]) => ({ ...rung, when: rung.when?.text ?? null })
