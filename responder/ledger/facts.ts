/** What the gates look at, read inside the transaction that then writes what they decide. */
import type { Planned } from '../actions/action.ts'
import type { Situation } from '../gates/gate.ts'
import { planHashOf, type Limit, type Step } from '../step.ts'
import { findAlert } from './alerts.ts'
import { latestApproval } from './votes.ts'
import { lockHolder } from './leases.ts'
import type { Moment } from './open.ts'
import { killSwitchReason, resetAtMs } from './switches.ts'

/** What the ledger does not know. */
export interface Surroundings {
  /** The kill switch's file, or null. */
  readonly killSwitchFile: () => string | null
  readonly protected: Situation['protected']
  readonly modeOf: (policy: string) => Situation['policyMode']
}

export async function situationOf(
  moment: Moment,
  step: Step,
  planned: Planned | null,
  surroundings: Surroundings,
): Promise<Situation> {
  const { rows, nowMs } = moment
  const { terms, policy } = step
  const open = await rows
    .selectFrom('trips')
    .select('reason')
    .where('policy', '=', policy)
    .executeTakeFirst()
  const policyMode = surroundings.modeOf(policy)
  const mode = step.mode === 'enforce' && policyMode === 'enforce' && !open ? 'enforce' : 'audit'
  const resetMs = await resetAtMs(moment, policy)
  const since = (perMs: number) => Math.max(nowMs - perMs, resetMs)
  return {
    step,
    alert: await findAlert(moment, step.alertId),
    nowMs,
    killSwitch: surroundings.killSwitchFile() ?? (await killSwitchReason(moment)),
    protected: surroundings.protected,
    policyMode,
    trip: open?.reason ?? null,
    planned,
    planHash: planned?.kind === 'change' ? planHashOf(step, planned.effect) : null,
    lastActedMs: await lastActed(moment, step, mode),
    counts: await Promise.all(terms.limits.map((limit) => countActs(moment, step, mode, limit))),
    acts: terms.fuse === null ? 0 : await countStrikes(moment, step, mode, since(terms.fuse.perMs)),
    failures:
      terms.breaker === null
        ? 0
        : await countFailures(moment, policy, mode, since(terms.breaker.perMs)),
    approval: await latestApproval(moment, step.id),
    lockedBy: await lockHolder(moment, step),
  }
}

/** What was let through in this mode; audit counts what would have been done, so that it tells the same story. */
const actsOf = ({ rows }: Moment, step: Step, mode: Step['mode']) =>
  rows
    .selectFrom('steps')
    .where('kind', '=', 'act')
    .where('mode', '=', mode)
    .where('id', '<>', step.id)

async function lastActed(moment: Moment, step: Step, mode: Step['mode']): Promise<number | null> {
  const row = await actsOf(moment, step, mode)
    .select((eb) => eb.fn.max('acted_ms').as('last'))
    .where('policy', '=', step.policy)
    .where('action', '=', step.action)
    .where('target_uid', '=', step.target.uid)
    .where('acted_ms', '>', moment.nowMs - step.terms.cooldownMs)
    .executeTakeFirst()
  return row?.last ?? null
}

async function countActs(moment: Moment, step: Step, mode: Step['mode'], limit: Limit) {
  let query = actsOf(moment, step, mode)
    .select((eb) => eb.fn.countAll<number>().as('count'))
    .where('acted_ms', '>', moment.nowMs - limit.perMs)
    .where('risk', 'in', limit.classes)
  if (limit.isPolicyOnly) query = query.where('policy', '=', step.policy)
  if (limit.scope === 'target') query = query.where('target_uid', '=', step.target.uid)
  if (limit.scope === 'node') query = query.where('node', '=', step.target.node)
  return (await query.executeTakeFirst())?.count ?? 0
}

async function countStrikes(moment: Moment, step: Step, mode: Step['mode'], sinceMs: number) {
  const row = await actsOf(moment, step, mode)
    .select((eb) => eb.fn.countAll<number>().as('count'))
    .where('policy', '=', step.policy)
    .where('lane', '=', 'strike')
    .where('acted_ms', '>', sinceMs)
    .executeTakeFirst()
  return row?.count ?? 0
}

async function countFailures(
  { rows }: Moment,
  policy: string,
  mode: Step['mode'],
  sinceMs: number,
) {
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
