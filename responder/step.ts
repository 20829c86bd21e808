/** A step: one action on one target, decided by one rung of one policy. What plan, gates, queue and run pass around. */
import { createHash } from 'node:crypto'
import type { Effect, Risk, Target } from './actions/action.ts'
import { canonical } from './ledger/canonical.ts'
import type { Outcome } from './outcome.ts'

/** Separate queues with workers of their own, so that a slow step never stands before a kill. */
export const lanes = ['strike', 'contain', 'disrupt', 'notify'] as const
export type Lane = (typeof lanes)[number]

/**
 * ready: waits in the queue (or for `after`, or until `notBeforeMs`) · held: waits for people · claimed: a worker
 * asks the gates · acting: the intent is durable, the effect may have happened · ended: `outcome` says how.
 */
const stepStatuses = ['ready', 'held', 'claimed', 'acting', 'ended'] as const
export type StepStatus = (typeof stepStatuses)[number]

/** What the rung and its policy ask for, frozen into the step when it is planned. All times in milliseconds. */
export interface Terms {
  /** How long after it could first begin the effect may still happen (I5). An approval starts it anew. */
  readonly deadlineMs: number
  /** One attempt of plan, run or verify. */
  readonly timeoutMs: number
  /** Attempts in all; only what is retryable is tried again. */
  readonly attempts: number
  /** The same action of the same policy on the same target is not repeated within this; 0 is none. */
  readonly cooldownMs: number
  readonly limits: readonly Limit[]
  /** More acts than this open the fuse: the policy is in audit until a person resets it. */
  readonly fuse: { readonly max: number; readonly perMs: number } | null
  /** As many failed acts open the breaker, with the same consequence. */
  readonly breaker: { readonly failures: number; readonly perMs: number } | null
  readonly approve: ApprovalTerms | null
  readonly undo: { readonly ttlMs: number; readonly onExpiry: 'revert' | 'keep' } | null
}

export interface Limit {
  /** Where it is written, for the reason: `policy miners`, `guard ceiling`. */
  readonly origin: string
  /** What is counted: acts on this target, on this node, in this namespace, on one workload's pods, or anywhere. */
  readonly scope: 'target' | 'node' | 'namespace' | 'workload' | 'global'
  /** Only this policy's acts, or everybody's (a guard's cap). */
  readonly isPolicyOnly: boolean
  readonly classes: readonly Risk[]
  readonly max: number
  readonly perMs: number
}

export interface ApprovalTerms {
  /** Distinct people. */
  readonly quorum: number
  readonly denyQuorum: number
  /** Names of people and `group:name`; empty: everybody who may log in. */
  readonly from: readonly string[]
  /** Names of people that may not vote: the subject of the event, the policy's last editor. */
  readonly notAllowed: readonly string[]
  readonly isReasonRequired: boolean
  readonly timeoutMs: number
  readonly channels: readonly string[]
}

/** What planning hands to the ledger. */
export interface StepDraft {
  /** `stepIdOf(...)`: derived, never drawn, so that planning twice is a no-op. */
  readonly id: string
  readonly caseId: string
  readonly alertId: string
  readonly policy: string
  readonly policyGeneration: string
  readonly rung: string
  readonly action: string
  readonly parameters: Effect
  readonly target: Target
  /** The workload whose pod it is about, by `Target.uid`; what limits count by. Null outside Kubernetes. */
  readonly workload: string | null
  readonly lane: Lane
  readonly risk: Risk
  readonly mode: 'audit' | 'enforce'
  readonly terms: Terms
  /** Steps that must have ended before this one begins, waited for at most `afterMs` from planning. */
  readonly after: readonly string[]
  readonly afterMs: number
  /** What already happened elsewhere (a strike in the kernel): recorded as it is, nothing is run. */
  readonly recorded: Outcome | null
}

export interface Step extends StepDraft {
  /** `undo` takes the effect of the step `undoes` back. */
  readonly kind: 'act' | 'undo'
  readonly undoes: string | null
  /** Who asked for an undo; null when its time came, and for acts. */
  readonly requestedBy: string | null
  readonly status: StepStatus
  readonly attempt: number
  readonly leaseGeneration: number
  readonly createdMs: number
  readonly notBeforeMs: number
  /** Ledger time after which the effect may no longer happen. */
  readonly deadlineAtMs: number
  readonly plan: { readonly detail: string; readonly effect: Effect } | null
  readonly planHash: string | null
  /** When the gates let it through (audit: would have); it counts against limits from then on. */
  readonly actedMs: number | null
  readonly endedMs: number | null
  readonly outcome: Outcome | null
}

export interface StepKey {
  readonly caseId: string
  readonly rung: string
  readonly action: string
  readonly targetUid: string
  readonly policyGeneration: string
  /** Tells two items of one rung with the same action apart. */
  readonly parameters: Effect
}

/** `s` and 32 hex digits: BullMQ takes it as a job id (it refuses integers). */
export const stepIdOf = ({
  caseId,
  rung,
  action,
  targetUid,
  policyGeneration,
  parameters,
}: StepKey): string =>
  `s${digest({ caseId, rung, action, targetUid, policyGeneration, parameters }).slice(0, 32)}`

export const undoIdOf = (stepId: string, round: number): string =>
  `u${digest({ stepId, round }).slice(0, 32)}`

/** What an approval is bound to: any drift of target, parameters, policy or planned change voids it. */
export const planHashOf = (step: StepDraft, effect: Effect): string =>
  digest({
    action: step.action,
    target: step.target.uid,
    parameters: step.parameters,
    policyGeneration: step.policyGeneration,
    effect,
  })

export const digest = (value: unknown): string =>
  createHash('sha256').update(canonical(value)).digest('hex')
