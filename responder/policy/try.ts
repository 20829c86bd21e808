/** What policies would do about one alert, without a ledger: the same matching and planning, on an empty case. */
import type { Alert } from '../../contract/alert.ts'
import type { Action } from '../actions/action.ts'
import { caseIdOf } from '../case.ts'
import { judgeOf } from '../plan.ts'
import type { StepDraft } from '../step.ts'
import { printDuration } from './duration.ts'
import { matchPolicy } from './match.ts'
import type { PolicySet } from './policy.ts'

export function tryPolicies(set: PolicySet, actions: readonly Action[], alert: Alert) {
  const inForce = { set, overrides: new Map<string, never>() }
  const judge = judgeOf(() => inForce, actions)
  const steps = judge.correlate(alert).flatMap((claim) => {
    const { policy, key, target } = claim
    const id = caseIdOf(claim, alert.id)
    const nowMs = Date.now()
    const seen = { count: 1, priority: alert.priority, rules: [alert.rule] }
    return judge.plan(
      alert,
      { id, policy, key, target, ...seen, firstMs: nowMs, lastMs: nowMs },
      [],
    )
  })
  return {
    matches: set.policies.map((policy) => ({
      policy: policy.name,
      mode: policy.mode,
      ...matchPolicy(policy, alert),
    })),
    steps: steps.map((step) => ({ ...step, summary: summaryOf(step) })),
  }
}

/** `reverse-shell/strike: would kill_process bash (812) on node-a {"scope":"tree"}` */
function summaryOf({
  policy,
  rung,
  action,
  target,
  mode,
  parameters,
  terms,
  after,
}: StepDraft): string {
  const { approve, undo } = terms
  return [
    `${policy}/${rung}: ${mode === 'audit' ? 'would ' : ''}${action} ${target.name}`,
    Object.keys(parameters).length > 0 ? ` ${JSON.stringify(parameters)}` : '',
    approve === null
      ? ''
      : `, if ${approve.quorum} approve within ${printDuration(approve.timeoutMs)}`,
    after.length === 0
      ? ''
      : `, after ${after.length} other ${after.length === 1 ? 'step' : 'steps'}`,
    undo === null ? '' : `, undone after ${printDuration(undo.ttlMs)}`,
  ].join('')
}
