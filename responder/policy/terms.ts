/** What a policy asks of one step, in the words of the ledger: limits, approval, undo, time. */
import type { Alert } from '../../contract/alert.ts'
import type { Risk } from '../actions/action.ts'
import type { ApprovalTerms, Lane, Limit, Terms } from '../step.ts'
import { approvalsNeeded } from './ceiling.ts'
import type { InForce } from './in-force.ts'
import type { Policy, PolicyAction, Rung } from './policy.ts'
import type { Caps } from './schema.ts'

const second = 1000
const minute = 60_000
const hour = 3_600_000

/** Kills have a lane of their own, so that nothing slow stands before them. */
export function laneOf(action: string, risk: Risk): Lane {
  if (action === 'kill_process') return 'strike'
  if (risk === 'notify') return 'notify'
  return risk === 'disrupt' || risk === 'destroy' ? 'disrupt' : 'contain'
}

/** How long after the decision an effect still makes sense, and how long one attempt may take. */
const laneTimes: Readonly<
  Record<Lane, { deadlineMs: number; timeoutMs: number; attempts: number }>
> = {
  strike: { deadlineMs: 15 * second, timeoutMs: 5 * second, attempts: 3 },
  contain: { deadlineMs: 2 * minute, timeoutMs: 30 * second, attempts: 4 },
  disrupt: { deadlineMs: 10 * minute, timeoutMs: 2 * minute, attempts: 3 },
  notify: { deadlineMs: hour, timeoutMs: 15 * second, attempts: 8 },
}

const defaultTtlMs = hour
const breaker = { failures: 5, perMs: 10 * minute }

export function termsOf(
  wanted: { readonly name: string } & Partial<PolicyAction>,
  rung: Rung,
  policy: Policy,
  inForce: InForce,
  approve: ApprovalTerms | null,
  isUndoable: boolean,
): Terms {
  const risk = wanted.risk ?? 'contain'
  const times = laneTimes[laneOf(wanted.name, risk)]
  return {
    deadlineMs: rung.deadlineMs ?? times.deadlineMs,
    timeoutMs: (programTimeMs(wanted.parameters) ?? times.timeoutMs) + packetMs(wanted),
    attempts: times.attempts,
    cooldownMs: policy.correlate.cooldownMs,
    limits: limitsOf(policy, inForce),
    fuse: wanted.name === 'kill_process' ? (wanted.fuse ?? policy.fuse) : null,
    breaker,
    approve,
    undo: isUndoable
      ? { ttlMs: ttlOf(rung, policy), onExpiry: rung.undo?.onExpiry ?? 'revert' }
      : null,
  }
}

/** An action that names its own time needs an attempt that is a little longer. */
function programTimeMs(
  parameters: Readonly<Record<string, unknown>> | undefined,
): number | undefined {
  const given = parameters?.['timeoutMs']
  return typeof given === 'number' ? given + 5 * second : undefined
}

/** Listening takes its time, whatever else an attempt takes. */
function packetMs({ parameters }: Partial<PolicyAction>): number {
  const packets = parameters?.['packets']
  if (typeof packets !== 'object' || packets === null || !('seconds' in packets)) return 0
  return typeof packets.seconds === 'number' ? packets.seconds * second : 0
}

/** A rung that an approval holds stays at least as long as people may think. */
function ttlOf(rung: Rung, policy: Policy): number {
  const holders = policy.ladder.filter(({ approve }) => approve?.hold === rung.name)
  return Math.max(
    rung.undo?.ttl ?? defaultTtlMs,
    ...holders.map(({ approve }) => approve?.timeout ?? 0),
  )
}

function limitsOf(policy: Policy, { set }: InForce): readonly Limit[] {
  return [
    ...capLimits(policy.limits, `policy ${policy.name}`, true),
    ...set.guard.caps.flatMap((caps) => capLimits(caps, 'guard', false)),
  ]
}

const scopes = [
  ['perTarget', 'target'],
  ['perNode', 'node'],
  ['perNamespace', 'namespace'],
  ['perWorkload', 'workload'],
  ['global', 'global'],
] as const

const capLimits = (caps: Caps, origin: string, isPolicyOnly: boolean): readonly Limit[] =>
  scopes.flatMap(([key, scope]) => {
    const cap = caps[key]
    if (cap === undefined) return []
    return [{ origin, scope, isPolicyOnly, classes: cap.classes, max: cap.actions, perMs: cap.per }]
  })

const defaultApprovalMs = 15 * minute

/** The most that the class, the guard, this rung, and any other policy on the same alert asks for this action. */
export function approvalTerms(
  action: PolicyAction,
  rung: Rung,
  {
    inForce,
    alert,
    policy,
    beside,
  }: {
    readonly inForce: InForce
    readonly alert: Alert
    readonly policy: Policy
    readonly beside: readonly Policy[]
  },
): ApprovalTerms | null {
  const elsewhere = policy.kind === 'ResponsePolicy' ? quorumElsewhere(action.name, beside) : 0
  const asked = Math.max(rung.approve?.quorum ?? 0, elsewhere)
  const quorum = approvalsNeeded(action.risk, asked, inForce.set.guard)
  if (quorum === 0) return null
  const { approve } = rung
  return {
    quorum,
    denyQuorum: 1,
    from: (approve?.from ?? []).map((who) => ('user' in who ? who.user : `group:${who.group}`)),
    notAllowed: (approve?.notAllowed ?? []).flatMap((who) => personOf(who, alert, policy, inForce)),
    isReasonRequired: approve?.reason === 'required',
    timeoutMs: approve?.timeout ?? defaultApprovalMs,
    channels: approve?.channels ?? [],
  }
}

const quorumElsewhere = (name: string, policies: readonly Policy[]) =>
  Math.max(
    0,
    ...policies
      .filter(({ kind }) => kind === 'ClusterResponsePolicy')
      .flatMap(({ ladder }) => ladder)
      .filter(({ actions }) => actions.some((action) => action.name === name))
      .map(({ approve }) => approve?.quorum ?? 0),
  )

function personOf(
  who: 'event.subject' | 'policy.lastEditor',
  { outputFields, request }: Alert,
  policy: Policy,
  { overrides }: InForce,
): readonly string[] {
  const person =
    who === 'event.subject'
      ? (request?.impersonated ?? request?.user ?? outputFields['user.name'])
      : overrides.get(policy.name)?.person
  return typeof person === 'string' ? [person] : []
}
