/** The policies as they hold now: the files, the modes that people set over them, and what combines them. */
import type { Alert } from '../../contract/alert.ts'
import { matchPolicy } from './match.ts'
import type { Policy, PolicySet } from './policy.ts'
import { ruleActions } from './rule-actions.ts'
import { modes, type Mode } from './schema.ts'

/** `riposte policies set-mode`: over the file, until it is taken back. */
export interface ModeOverride {
  readonly mode: Mode
  readonly person: string
  readonly atMs: number
}

export interface InForce {
  readonly set: PolicySet
  readonly overrides: ReadonlyMap<string, ModeOverride>
}

/** Every policy of the files, and the built-in one last. */
export const allPolicies = ({ set }: InForce): readonly Policy[] => [...set.policies, ruleActions]

export const findPolicy = (inForce: InForce, name: string): Policy | undefined =>
  allPolicies(inForce).find((policy) => policy.name === name)

export const modeOf = ({ overrides }: InForce, policy: Policy): Mode =>
  overrides.get(policy.name)?.mode ?? policy.mode

const lowest = (given: readonly Mode[]): Mode => modes.find((mode) => given.includes(mode)) ?? 'off'

/** The policies that take part in the alert; the built-in one where none of them takes the rule's own actions. */
export function matching(inForce: InForce, alert: Alert): readonly Policy[] {
  const matched = inForce.set.policies.filter((policy) => matchPolicy(policy, alert).isMatch)
  const live = matched.filter((policy) => effectiveMode(inForce, policy, matched) !== 'off')
  const isTaken = live.some(takesRuleActions)
  const isBuiltIn = alert.actions.length > 0 && !isTaken && modeOf(inForce, ruleActions) !== 'off'
  return isBuiltIn ? [...live, ruleActions] : live
}

export const takesRuleActions = ({ ladder }: Policy) => ladder.some(({ isFromRule }) => isFromRule)

/** A tenant's policy goes no further than any policy of the cluster that selects the same alert. */
export function effectiveMode(inForce: InForce, policy: Policy, matched: readonly Policy[]): Mode {
  const own = modeOf(inForce, policy)
  if (policy.kind === 'ClusterResponsePolicy') return own
  const ceilings = matched.filter(({ kind }) => kind === 'ClusterResponsePolicy')
  return lowest([own, ...ceilings.map((other) => modeOf(inForce, other))])
}
