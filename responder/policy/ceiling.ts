/** Guards combine to the strictest: protected things are united, approvals the highest, caps all hold. */
import { riskClasses, type Risk } from '../actions/action.ts'
import type { Guard } from './policy.ts'
import type { GuardDocument } from './schema.ts'

export function combineGuards(guards: readonly GuardDocument[]): Guard {
  const specs = guards.map(({ spec }) => spec)
  return {
    protectedProcesses: unique(specs.flatMap((spec) => spec.protected.processes)),
    protectedPaths: unique(specs.flatMap((spec) => spec.protected.paths)),
    protectedNamespaces: unique(specs.flatMap((spec) => spec.protected.namespaces)),
    protectedSelectors: specs.flatMap((spec) => spec.protected.selectors),
    protectedPriorityClasses: unique(specs.flatMap((spec) => spec.protected.priorityClasses)),
    protectedNodes: unique(specs.flatMap((spec) => spec.protected.nodes)),
    minApprovals: Object.fromEntries(
      riskClasses.map((risk) => [
        risk,
        Math.max(0, ...specs.map((spec) => spec.minApprovals[risk] ?? 0)),
      ]),
    ),
    caps: specs.map(({ caps }) => caps),
    isKillSwitchOn: specs.some(({ killSwitch }) => killSwitch),
  }
}

const unique = (items: readonly string[]) => [...new Set(items)]

/** What a class asks for when nobody says more: what disrupts or destroys has somebody's consent. */
const classApprovals: Readonly<Partial<Record<Risk, number>>> = { disrupt: 1, destroy: 1 }

/** How many people must approve: the most that the class, the guard or the rung asks for. */
export const approvalsNeeded = (risk: Risk, rungQuorum: number, guard: Guard): number =>
  Math.max(classApprovals[risk] ?? 0, guard.minApprovals[risk] ?? 0, rungQuorum)
