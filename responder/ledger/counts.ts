/** What limits, cooldowns, fuses and breakers count: acts that were let through, in the ledger's own time. */
import type { Limit, Step } from '../step.ts'
import type { Moment } from './open.ts'

/** What was let through in this mode; audit counts what would have been done, so that it tells the same story. */
const actsOf = ({ rows }: Moment, step: Pick<Step, 'id'>, mode: Step['mode']) =>
  rows
    .selectFrom('steps')
    .where('kind', '=', 'act')
    .where('mode', '=', mode)
    .where('id', '<>', step.id)

export async function lastActed(
  moment: Moment,
  step: Step,
  mode: Step['mode'],
): Promise<number | null> {
  const row = await actsOf(moment, step, mode)
    .select((eb) => eb.fn.max('acted_ms').as('last'))
    .where('policy', '=', step.policy)
    .where('action', '=', step.action)
    .where('target_uid', '=', step.target.uid)
    .where('acted_ms', '>', moment.nowMs - step.terms.cooldownMs)
    .executeTakeFirst()
  return row?.last ?? null
}

export async function countActs(moment: Moment, step: Step, mode: Step['mode'], limit: Limit) {
  let query = actsOf(moment, step, mode)
    .select((eb) => eb.fn.countAll<number>().as('count'))
    .where('acted_ms', '>', moment.nowMs - limit.perMs)
    .where('risk', 'in', limit.classes)
  if (limit.isPolicyOnly) query = query.where('policy', '=', step.policy)
  if (limit.scope === 'target') query = query.where('target_uid', '=', step.target.uid)
  if (limit.scope === 'node') query = query.where('node', '=', step.target.node)
  return (await query.executeTakeFirst())?.count ?? 0
}

export async function countStrikes(
  moment: Moment,
  step: Pick<Step, 'id' | 'policy'>,
  mode: Step['mode'],
  sinceMs: number,
): Promise<number> {
  const row = await actsOf(moment, step, mode)
    .select((eb) => eb.fn.countAll<number>().as('count'))
    .where('policy', '=', step.policy)
    .where('lane', '=', 'strike')
    .where('acted_ms', '>', sinceMs)
    .executeTakeFirst()
  return row?.count ?? 0
}

export async function countFailures(
  { rows }: Moment,
  policy: string,
  mode: Step['mode'],
  sinceMs: number,
): Promise<number> {
  const row = await rows
    .selectFrom('steps')
    .select((eb) => eb.fn.countAll<number>().as('count'))
    .where('policy', '=', policy)
    .where('mode', '=', mode)
    .where('outcome_status', '=', 'failed')
    .where('ended_ms', '>', sinceMs)
    .executeTakeFirst()
  return row?.count ?? 0
}
