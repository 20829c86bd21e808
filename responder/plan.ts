/** Alert and case → the steps that the policy asks for now, in order, with derived ids. Pure: asking twice is a no-op. */
import type { Alert, RequestedAction } from '../contract/alert.ts'
import type { Action, Target } from './actions/action.ts'
import type { Case, CaseClaim, Judge } from './case.ts'
import type { Outcome } from './outcome.ts'
import { isKill, isOpen } from './policy/strikable.ts'
import { effectiveMode, findPolicy, matching, modeOf, type InForce } from './policy/in-force.ts'
import type { Policy, PolicyAction, Rung } from './policy/policy.ts'
import { ruleActionsName } from './policy/rule-actions.ts'
import { viewCase } from './policy/rung-status.ts'
import { targetFor, targetOf } from './policy/target.ts'
import { namespaceOf } from './policy/workloads.ts'
import { approvalTerms, laneOf, termsOf } from './policy/terms.ts'
import { stepIdOf, type Step, type StepDraft } from './step.ts'

/** What the ledger asks of the policies; `inForce` is read anew each time, so that a reload is seen at once. */
export const judgeOf = (inForce: () => InForce, actions: readonly Action[]): Judge => ({
  correlate: (alert) => matching(inForce(), alert).map((policy) => claimOf(policy, alert)),
  plan: (alert, found, steps) => planCase(inForce(), actions, alert, found, steps),
})

function claimOf(policy: Policy, alert: Alert): CaseClaim {
  const target = targetOf(alert)
  const pod = targetFor('pod', alert)?.uid ?? target.uid
  const parts = {
    target: target.uid,
    pod,
    workload: targetFor('workload', alert)?.uid ?? pod,
    namespace: namespaceOf(alert) ?? '',
    rule: alert.rule,
    node: alert.node,
    policy: policy.name,
  }
  return {
    policy: policy.name,
    key: JSON.stringify(policy.correlate.by.map((by) => parts[by])),
    target,
    windowMs: policy.correlate.windowMs,
  }
}

/** Everything that one plan is made from. */
interface Planning {
  readonly inForce: InForce
  readonly actions: readonly Action[]
  readonly alert: Alert
  readonly found: Case
  readonly policy: Policy
  /** All policies that take part in the alert: the strictest word of each holds. */
  readonly beside: readonly Policy[]
}

/** Later rungs wait for a required one this long at most, when it names no deadline. */
const requiredWaitMs = 20_000

function planCase(
  inForce: InForce,
  actions: readonly Action[],
  alert: Alert,
  found: Case,
  steps: readonly Step[],
): readonly StepDraft[] {
  const policy = findPolicy(inForce, found.policy)
  if (policy === undefined) return []
  const beside = matching(inForce, alert)
  const planning: Planning = { inForce, actions, alert, found, policy, beside }
  const view = viewCase(
    found,
    steps,
    policy.ladder.map(({ name }) => name),
  )
  const drafts: StepDraft[] = []
  const waitFor: { ids: string[]; afterMs: number } = { ids: [], afterMs: 0 }
  for (const rung of policy.ladder) {
    if (rung.when !== null && !rung.when.holds(view)) continue
    const after = rung.isAlways
      ? { ids: [], afterMs: 0 }
      : { ids: [...waitFor.ids], afterMs: waitFor.afterMs }
    const planned = actionsOf(rung, planning).flatMap((wanted) =>
      draftStep(wanted, rung, planning, after),
    )
    drafts.push(...planned)
    if (!rung.isRequired) continue
    waitFor.ids.push(...planned.map(({ id }) => id))
    waitFor.afterMs += rung.deadlineMs ?? requiredWaitMs
  }
  return drafts
}

/** The rule's own actions first; what the ladder names anyway is not done twice. */
function actionsOf(rung: Rung, { policy, alert, actions }: Planning): readonly Wanted[] {
  const own = rung.actions.map((action): Wanted => ({ ...action, origin: 'policy' }))
  if (!rung.isFromRule) return own
  const named = new Set(policy.ladder.flatMap((other) => other.actions.map(({ name }) => name)))
  const asked = alert.actions.filter(({ name }) => !named.has(name))
  return [...asked.map((request) => fromRule(request, rung, policy, actions)), ...own]
}

type Wanted =
  | (PolicyAction & { readonly origin: 'policy' | 'rule' })
  | (RequestedAction & { readonly origin: 'unknown'; readonly problem: string })

function fromRule(
  request: RequestedAction,
  rung: Rung,
  policy: Policy,
  actions: readonly Action[],
): Wanted {
  const action = actions.find(({ name }) => name === request.name)
  if (action === undefined)
    return {
      ...request,
      origin: 'unknown',
      problem: `the rule asks for ${request.name}, which is no action here`,
    }
  const read = action.parameters.safeParse(request.parameters)
  if (!read.success)
    return {
      ...request,
      origin: 'unknown',
      problem: `the rule's parameters for ${request.name}: ${read.error.issues.map(({ message }) => message).join('; ')}`,
    }
  const isStrike = isOpen(rung) && isKill(request.name, read.data)
  return {
    name: request.name,
    parameters: read.data,
    origin: 'rule',
    risk: action.risk,
    where: isStrike ? 'kernel' : 'node',
    fuse: policy.fuse,
  }
}

function draftStep(
  wanted: Wanted,
  rung: Rung,
  planning: Planning,
  after: { readonly ids: readonly string[]; readonly afterMs: number },
): readonly StepDraft[] {
  const { inForce, actions, alert, found, policy, beside } = planning
  const mode = effectiveMode(inForce, policy, beside)
  if (mode === 'off') return []
  const action = actions.find(({ name }) => name === wanted.name)
  const wantedKind = action?.target ?? 'process'
  const about = wantedKind === 'case' ? matterOf(found, alert) : targetFor(wantedKind, alert)
  const target = about ?? targetOf(alert)
  const risk = wanted.origin === 'unknown' ? 'contain' : wanted.risk
  // What the built-in policy tells people is told: an alert that asks for it must not need a policy first.
  const isLive = policy.name === ruleActionsName && risk === 'notify'
  // Steps that only would have been are planned anew once the policy is enforced.
  const policyGeneration = `${policy.generation}-${mode}`
  const key = {
    caseId: found.id,
    rung: rung.name,
    action: wanted.name,
    targetUid: target.uid,
    policyGeneration,
    parameters: wanted.parameters,
  }
  const approve = wanted.origin === 'unknown' ? null : approvalTerms(wanted, rung, planning)
  return [
    {
      id: stepIdOf(key),
      caseId: found.id,
      alertId: alert.id,
      policy: policy.name,
      policyGeneration,
      rung: rung.name,
      action: wanted.name,
      parameters: wanted.parameters,
      target,
      workload: targetFor('workload', alert)?.uid ?? null,
      lane: laneOf(wanted.name, risk),
      risk,
      mode: isLive ? 'enforce' : mode,
      terms: termsOf(wanted, rung, policy, inForce, approve, action?.undo !== undefined),
      after: after.ids,
      afterMs: after.afterMs,
      recorded:
        about === undefined ? missing(wantedKind) : recorded(wanted, planning, approve !== null),
    },
  ]
}

const matterOf = ({ id }: Case, { rule, node }: Alert): Target => ({
  kind: 'case',
  uid: id,
  name: `${rule} on ${node}`,
  node,
  namespace: null,
})

const missing = (kind: string): Outcome => ({
  status: 'ignored',
  code: `no_${kind}`,
  detail: `the alert is about no ${kind}`,
})

/** What needs no running: it cannot be run, or the kernel did it already. */
function recorded(wanted: Wanted, { alert, policy }: Planning, isGated: boolean): Outcome | null {
  if (wanted.origin === 'unknown')
    return { status: 'failed', code: 'unknown_action', detail: wanted.problem }
  if (wanted.where !== 'kernel' || isGated) return null
  const strike = alert.strikes.find((candidate) => candidate.policy === policy.name)
  if (strike === undefined) return null
  const name = targetOf(alert).name
  const effect = { strike }
  return strike.mode === 'enforce'
    ? {
        status: 'done',
        code: 'strike',
        detail: `the kernel killed ${name} inside the call`,
        effect,
      }
    : {
        status: 'would',
        code: 'strike',
        detail: `would kill ${name} inside the call`,
        effect,
        gates: [],
      }
}

/** What the gates ask at execution: the policy's mode as it is now; undefined when it is no longer loaded. */
export function policyModeNow(inForce: InForce, name: string) {
  const policy = findPolicy(inForce, name)
  return policy === undefined ? undefined : modeOf(inForce, policy)
}
