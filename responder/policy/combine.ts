/** Sets of policies from several places are one: policies together, guards to the strictest of each. */
import { riskClasses } from '../actions/action.ts'
import { contentHash } from './check.ts'
import type { Guard, PolicySet } from './policy.ts'

/** Of two policies with one name the first set's holds: files go before objects. */
export function combineSets(sets: readonly PolicySet[]): PolicySet {
  const [only] = sets
  if (sets.length === 1 && only !== undefined) return only
  const policies = new Map(
    sets
      .flatMap((set) => set.policies)
      .toReversed()
      .map((policy) => [policy.name, policy]),
  )
  return {
    policies: [...policies.values()].toReversed(),
    guard: combine(sets.map(({ guard }) => guard)),
    generation: contentHash(sets.map(({ generation }) => generation)),
  }
}

const combine = (guards: readonly Guard[]): Guard => ({
  protectedProcesses: unique(guards.flatMap((guard) => guard.protectedProcesses)),
  protectedPaths: unique(guards.flatMap((guard) => guard.protectedPaths)),
  protectedNamespaces: unique(guards.flatMap((guard) => guard.protectedNamespaces)),
  protectedSelectors: guards.flatMap((guard) => guard.protectedSelectors),
  protectedPriorityClasses: unique(guards.flatMap((guard) => guard.protectedPriorityClasses)),
  protectedNodes: unique(guards.flatMap((guard) => guard.protectedNodes)),
  minApprovals: Object.fromEntries(
    riskClasses.map((risk) => [
      risk,
      Math.max(0, ...guards.map((guard) => guard.minApprovals[risk] ?? 0)),
    ]),
  ),
  caps: guards.flatMap(({ caps }) => caps),
  isKillSwitchOn: guards.some(({ isKillSwitchOn }) => isKillSwitchOn),
})

const unique = (items: readonly string[]) => [...new Set(items)]
