/** Alerts, cases and steps: what happened, what was decided, and why. */
import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import { listAlerts, storedAlertOf, type StoredAlert } from '../ledger/alerts.ts'
import { findCase } from '../ledger/intake.ts'
import { allPolicies, modeOf } from '../policy/in-force.ts'
import { matchPolicy } from '../policy/match.ts'
import { ruleActionsName } from '../policy/rule-actions.ts'
import { decisionOf, decisionsOf, type Decision } from './decisions.ts'
import type { Office } from './office.ts'
import { limitQuery, notFound, read, reasonBody, Refused, who } from './reply.ts'
import { findStep } from '../ledger/steps.ts'
import { wholeId } from './whole-id.ts'

const alertQuery = limitQuery.extend({ rule: z.string().max(500).optional() })

export function alertRoutes(app: FastifyInstance, office: Office): void {
  const { ledger } = office

  app.get('/v1/alerts', async (request) => {
    const { limit, rule } = read(alertQuery, request.query)
    const stored = (await listAlerts(ledger, rule === undefined ? limit : 1000))
      .filter(({ alert }) => rule === undefined || alert.rule === rule)
      .slice(0, limit)
    const decisions = await decisionsOf(
      ledger,
      stored.flatMap(({ cases }) => cases),
    )
    return { alerts: stored.map((item) => withDecisions(item, decisions)) }
  })

  app.get('/v1/alerts/:id', async (request) => {
    const id = await wholeId(ledger, 'alerts', request.params)
    const row = await ledger.rows
      .selectFrom('alerts')
      .selectAll()
      .where('id', '=', id)
      .executeTakeFirst()
    if (row === undefined) throw notFound(`alert ${id}`)
    const stored = storedAlertOf(row)
    const inForce = office.inForce()
    const policies = allPolicies(inForce).map((policy) => ({
      policy: policy.name,
      mode: modeOf(inForce, policy),
      ...(policy.name === ruleActionsName
        ? { isMatch: stored.alert.actions.length > 0, why: ruleActionsWhy(stored) }
        : matchPolicy(policy, stored.alert)),
    }))
    return { ...withDecisions(stored, await decisionsOf(ledger, stored.cases)), policies }
  })

  app.get('/v1/cases', async (request) => {
    const { limit } = read(limitQuery, request.query)
    const rows = await ledger.rows
      .selectFrom('cases')
      .select('id')
      .orderBy('last_ms', 'desc')
      .limit(limit)
      .execute()
    return { cases: await Promise.all(rows.map(({ id }) => findCase(ledger, id))) }
  })

  app.get('/v1/cases/:id', async (request) => {
    const id = await wholeId(ledger, 'cases', request.params)
    const found = await findCase(ledger, id)
    if (found === undefined) throw notFound(`case ${id}`)
    return { ...found, decisions: await decisionsOf(ledger, [id]) }
  })

  app.get('/v1/steps/:id', async (request) => {
    const id = await wholeId(ledger, 'steps', request.params)
    const step = await findStep(ledger, id)
    if (step === undefined) throw notFound(`step ${id}`)
    return { ...step, summary: decisionOf(step).summary }
  })

  app.post('/v1/steps/:id/cancel', async (request) => {
    const id = await wholeId(ledger, 'steps', request.params)
    const { reason } = read(reasonBody, request.body)
    if (!(await office.core.cancel(id, who(request, reason))))
      throw new Refused(409, 'too_late', `step ${id} has begun or has ended`)
    return { isCancelled: true }
  })
}

function withDecisions(stored: StoredAlert, decisions: readonly Decision[]) {
  const { alert, receivedMs, cases, pendingUntilMs } = stored
  return {
    ...alert,
    receivedMs,
    cases,
    pendingUntilMs,
    decisions: decisions.filter(({ caseId }) => cases.includes(caseId)),
  }
}

function ruleActionsWhy({ alert }: StoredAlert): string {
  if (alert.actions.length === 0) return 'the rule asks for no actions of its own'
  return `the rule asks for ${alert.actions.map(({ name }) => name).join(', ')}; a policy with a rung "from: rule" takes them over`
}
