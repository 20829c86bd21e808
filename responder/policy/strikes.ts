/** Policies → what every node's kernel is to do by itself, inside the offending call. */
import type { ProtectedPods } from '../../contract/protected-pods.ts'
import type { StrikeOrder } from '../../contract/verdict.ts'
import { approvalsNeeded } from './ceiling.ts'
import { contentHash } from './check.ts'
import { allPolicies, modeOf, takesRuleActions, type InForce } from './in-force.ts'
import { isOpen } from './strikable.ts'
import type { Guard, Policy, PolicyAction, Rung } from './policy.ts'
import { ruleActionsName } from './rule-actions.ts'

export interface StrikeSet {
  readonly generation: string
  readonly orders: readonly StrikeOrder[]
  readonly protectedPods: ProtectedPods
}

/** `isTripped`: the fuse or breaker of this policy is open, so its kernel side is in audit as well. */
export function strikesOf(
  inForce: InForce,
  isTripped: (policy: string) => boolean,
  builtIn: ProtectedPods,
): StrikeSet {
  const isTaken = inForce.set.policies.some(takesRuleActions)
  const orders = allPolicies(inForce)
    // A node cannot tell whose the rule's own actions are: with any policy that takes them, they go by verdicts.
    .filter(({ name }) => name !== ruleActionsName || !isTaken)
    .flatMap((policy) => ordersOf(policy, inForce, isTripped(policy.name)))
  const protectedPods = withGuard(builtIn, inForce.set.guard)
  return { generation: contentHash([orders, protectedPods]), orders, protectedPods }
}

const withGuard = (builtIn: ProtectedPods, guard: Guard): ProtectedPods => ({
  namespaces: [...builtIn.namespaces, ...guard.protectedNamespaces],
  priorityClasses: [...builtIn.priorityClasses, ...guard.protectedPriorityClasses],
  selectors: [...builtIn.selectors, ...guard.protectedSelectors],
})

function ordersOf(policy: Policy, inForce: InForce, isTripped: boolean): readonly StrikeOrder[] {
  const own = modeOf(inForce, policy)
  // A tenant's policy has ceilings, and pods are selected by what only the responder knows: both go by verdicts.
  if (own === 'off' || policy.kind === 'ResponsePolicy' || policy.workloads !== null) return []
  const mode = isTripped ? 'audit' : own
  return policy.ladder.flatMap((rung) =>
    [...strikesIn(rung), ...ruleStrike(rung, policy)]
      .filter(({ risk }) => approvalsNeeded(risk, 0, inForce.set.guard) === 0)
      .map(({ parameters, fuse, isFromRule }) => ({
        policy: policy.name,
        policyGeneration: `${policy.generation}-${mode}`,
        mode,
        match: {
          ...policy.selection,
          names: [...policy.selection.names],
          tags: [...policy.selection.tags],
          condition: withProtection(policy.condition?.text ?? null, inForce.set.guard),
        },
        isFromRule,
        scope: scopeOf(parameters),
        fuse,
      })),
  )
}

type Struck = Pick<PolicyAction, 'parameters' | 'fuse' | 'risk'> & { readonly isFromRule: boolean }

const strikesIn = (rung: Rung): readonly Struck[] =>
  rung.actions
    .filter(({ where }) => where === 'kernel')
    .map(({ parameters, fuse, risk }) => ({ parameters, fuse, risk, isFromRule: false }))

function ruleStrike(rung: Rung, policy: Policy): readonly Struck[] {
  return rung.isFromRule && isOpen(rung)
    ? [{ parameters: {}, fuse: policy.fuse, risk: 'contain', isFromRule: true }]
    : []
}

function scopeOf({ scope }: Readonly<Record<string, unknown>>): StrikeOrder['scope'] {
  return scope === 'tree' || scope === 'session' ? scope : 'process'
}

/** The kernel asks no gate, so what the guard protects is part of what it must not match. */
function withProtection(condition: string | null, { protectedProcesses }: Guard): string | null {
  if (protectedProcesses.length === 0) return condition
  const paths = protectedProcesses.filter((name) => name.startsWith('/'))
  const names = protectedProcesses.filter((name) => !name.startsWith('/'))
  const parts = [
    condition === null ? [] : [`(${condition})`],
    paths.length === 0 ? [] : [`not proc.exepath in (${paths.map(quote).join(', ')})`],
    names.length === 0 ? [] : [`not proc.name in (${names.map(quote).join(', ')})`],
  ]
  return parts.flat().join(' and ')
}

const quote = (text: string) => `"${text.replaceAll(/["\\]/g, String.raw`\$&`)}"`
