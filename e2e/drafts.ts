/** Alerts and drafts of steps, as tests of the responder's core hand them in. */
import type { Alert } from '../contract/alert.ts'
import type { Case } from '../responder/case.ts'
import { sampleAlert } from '../responder/policy/alert.sample.ts'
import { stepIdOf, type StepDraft, type Terms } from '../responder/step.ts'

export const terms = (changes: Partial<Terms> = {}): Terms => ({
  deadlineMs: 60_000,
  timeoutMs: 10_000,
  attempts: 3,
  cooldownMs: 0,
  limits: [],
  fuse: null,
  breaker: null,
  approve: null,
  undo: null,
  ...changes,
})

export const approve = (changes: Partial<NonNullable<Terms['approve']>> = {}) => ({
  quorum: 1,
  denyQuorum: 1,
  from: [],
  notAllowed: [],
  isReasonRequired: false,
  timeoutMs: 60_000,
  channels: [],
  ...changes,
})

let alerts = 0
/** Alerts of one process; another `pid` is another target. */
export function alertOf(pid: number, changes: Partial<Alert> = {}): Alert {
  const { process } = sampleAlert()
  const id = (++alerts).toString(16).padStart(32, '0')
  return sampleAlert({ id, process: process === null ? null : { ...process, pid }, ...changes })
}

export const targetOf = (alert: Alert) => ({
  kind: 'process' as const,
  uid: `${alert.bootId}/${alert.process?.pid}/${alert.process?.startTimeNs}`,
  name: `${alert.process?.name} (${alert.process?.pid}) on ${alert.node}`,
  node: alert.node,
  namespace: null,
})

export function draft(alert: Alert, found: Case, changes: Partial<StepDraft> = {}): StepDraft {
  const base = {
    caseId: found.id,
    alertId: alert.id,
    policy: found.policy,
    policyGeneration: 'g1',
    rung: 'only',
    action: 'stop',
    parameters: {},
    target: targetOf(alert),
    workload: null,
    lane: 'strike' as const,
    risk: 'disrupt' as const,
    mode: 'enforce' as const,
    terms: terms(),
    after: [],
    afterMs: 0,
    recorded: null,
    ...changes,
  }
  const { target, ...key } = base
  return { id: stepIdOf({ ...key, targetUid: target.uid }), ...base }
}
