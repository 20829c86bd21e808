/** What the gates look at, read inside the transaction that then writes what they decide. */
import type { Alert } from '../../contract/alert.ts'
import type { Planned } from '../actions/action.ts'
import type { Situation } from '../gates/gate.ts'
import { planHashOf, type Step } from '../step.ts'
import { countActs, countFailures, countStrikes, lastActed } from './counts.ts'
import { latestApproval } from './votes.ts'
import { lockHolder } from './leases.ts'
import type { Moment } from './open.ts'
import { killSwitchReason, resetAtMs } from './switches.ts'

/** What the ledger does not know. */
export interface Surroundings {
  /** The kill switch's file, or null. */
  readonly killSwitchFile: () => string | null
  readonly enabledActions: Situation['enabledActions']
  readonly protected: Situation['protected']
  readonly modeOf: (policy: string) => Situation['policyMode']
}

/** Enough for the gates that are asked before the plan: they count nothing. */
export async function briefSituationOf(
  moment: Moment,
  step: Step,
  alert: Alert,
  surroundings: Surroundings,
): Promise<Situation> {
  const { rows, nowMs } = moment
  const { policy } = step
  const open = await rows
    .selectFrom('trips')
    .select('reason')
    .where('policy', '=', policy)
    .executeTakeFirst()
  return {
    step,
    alert,
    nowMs,
    killSwitch: surroundings.killSwitchFile() ?? (await killSwitchReason(moment)),
    enabledActions: surroundings.enabledActions,
    protected: surroundings.protected,
    policyMode: surroundings.modeOf(policy),
    trip: open?.reason ?? null,
    planned: null,
    planHash: null,
    lastActedMs: null,
    counts: [],
    acts: 0,
    failures: 0,
    approval: null,
    lockedBy: null,
  }
}

export async function situationOf(
  moment: Moment,
  step: Step,
  alert: Alert,
  planned: Planned | null,
  surroundings: Surroundings,
): Promise<Situation> {
  const { nowMs } = moment
  const { policy } = step
  const brief = await briefSituationOf(moment, step, alert, surroundings)
  const { policyMode, trip } = brief
  const { cooldownMs, limits, fuse, breaker } = step.terms
  const mode =
    step.mode === 'enforce' && policyMode === 'enforce' && trip === null ? 'enforce' : 'audit'
  const resetMs = await resetAtMs(moment, policy)
  const since = (perMs: number) => Math.max(nowMs - perMs, resetMs)
  const counts: number[] = []
  for (const limit of limits) counts.push(await countActs(moment, step, mode, limit))
  return {
    ...brief,
    planned,
    planHash: planned?.kind === 'change' ? planHashOf(step, planned.bound ?? planned.effect) : null,
    lastActedMs: cooldownMs === 0 ? null : await lastActed(moment, step, mode),
    counts,
    acts:
      fuse === null
        ? 0
        : await countStrikes(moment, step, mode, { sinceMs: since(fuse.perMs), max: fuse.max }),
    failures:
      breaker === null
        ? 0
        : await countFailures(moment, policy, mode, {
            sinceMs: since(breaker.perMs),
            max: breaker.failures,
          }),
    approval: step.terms.approve === null ? null : await latestApproval(moment, step.id),
    lockedBy: await lockHolder(moment, step),
  }
}
