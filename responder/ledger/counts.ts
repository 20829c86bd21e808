/**
 * What limits, cooldowns, fuses and breakers count: acts that were let through, in the ledger's own time. Nobody asks
 * for more than a maximum, so nothing is counted beyond it, however many acts there are.
 */
import type { SelectQueryBuilder } from 'kysely'
import type { Limit, Step } from '../step.ts'
import type { Moment } from './open.ts'
import type { Tables } from './tables.ts'

type Mode = Step['mode']

/** What was let through in this mode; audit counts what would have been done, so that it tells the same story. */
const actsOf = ({ rows }: Moment, step: Pick<Step, 'id'>, mode: Mode) =>
  rows
    .selectFrom('steps')
    .where('kind', '=', 'act')
    .where('mode', '=', mode)
    .where('id', '<>', step.id)

async function countUpTo(
  max: number,
  { rows }: Moment,
  query: SelectQueryBuilder<Tables, 'steps', object>,
): Promise<number> {
  const row = await rows
    .selectFrom(query.select('id').limit(max).as('found'))
    .select((eb) => eb.fn.countAll<number>().as('count'))
    .executeTakeFirst()
  return row?.count ?? 0
}

export async function lastActed(moment: Moment, step: Step, mode: Mode): Promise<number | null> {
  const row = await actsOf(moment, step, mode)
    .select('acted_ms')
    .where('policy', '=', step.policy)
    .where('risk', '=', step.risk)
    .where('action', '=', step.action)
    .where('target_uid', '=', step.target.uid)
    .where('acted_ms', '>', moment.nowMs - step.terms.cooldownMs)
    .orderBy('acted_ms', 'desc')
    .limit(1)
    .executeTakeFirst()
  return row?.acted_ms ?? null
}

export function countActs(moment: Moment, step: Step, mode: Mode, limit: Limit): Promise<number> {
  let query = actsOf(moment, step, mode)
    .where('acted_ms', '>', moment.nowMs - limit.perMs)
    .where('risk', 'in', limit.classes)
  if (limit.isPolicyOnly) query = query.where('policy', '=', step.policy)
  if (limit.scope === 'target') query = query.where('target_uid', '=', step.target.uid)
  if (limit.scope === 'node') query = query.where('node', '=', step.target.node)
  if (limit.scope === 'namespace') query = query.where('namespace', '=', step.target.namespace)
  if (limit.scope === 'workload') query = query.where('workload', '=', step.workload)
  return countUpTo(limit.max, moment, query)
}

export interface Window {
  readonly sinceMs: number
  /** Counting ends here. */
  readonly max: number
}

export const countStrikes = (
  moment: Moment,
  step: Pick<Step, 'id' | 'policy'>,
  mode: Mode,
  { sinceMs, max }: Window,
): Promise<number> =>
  countUpTo(
    max,
    moment,
    actsOf(moment, step, mode)
      .where('policy', '=', step.policy)
      .where('lane', '=', 'strike')
      .where('acted_ms', '>', sinceMs),
  )

export const countFailures = (
  moment: Moment,
  policy: string,
  mode: Mode,
  { sinceMs, max }: Window,
): Promise<number> =>
  countUpTo(
    max,
    moment,
    moment.rows
      .selectFrom('steps')
      .where('policy', '=', policy)
      .where('mode', '=', mode)
      .where('outcome_status', '=', 'failed')
      .where('ended_ms', '>', sinceMs),
  )
