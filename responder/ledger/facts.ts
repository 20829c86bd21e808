/** What the gates look at, read inside the transaction that then writes what they decide. */
import type { Planned } from '../actions/action.ts'
import type { Situation } from '../gates/gate.ts'
import { planHashOf, type Step } from '../step.ts'
import { findAlert } from './alerts.ts'
import { countActs, countFailures, countStrikes, lastActed } from './counts.ts'
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
