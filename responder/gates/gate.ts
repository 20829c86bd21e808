/** Shape of a gate: a pure question, asked in order, answered with a reason. */
import type { Alert } from '../../contract/alert.ts'
import type { Planned } from '../actions/action.ts'
import type { Approval } from '../approval.ts'
import type { Step } from '../step.ts'

/** What is never acted on, and why. */
export interface ProtectedEntry {
  /** Where it is written: `built-in`, `guard ceiling`. */
  readonly origin: string
  /** For the reason: `sshd`, `pid 1`. */
  readonly name: string
  readonly covers: (alert: Alert, step: Step) => boolean
}

/** Everything that the gates may look at, read in one transaction with what they decide. */
export interface Situation {
  readonly step: Step
  readonly alert: Alert
  readonly nowMs: number
  /** Why nothing may happen now, or null. */
  readonly killSwitch: string | null
  /** Names of the actions that may be carried out here; null: every one. */
  readonly enabledActions: readonly string[] | null
  readonly protected: readonly ProtectedEntry[]
  /** The policy's mode as it is now; undefined when it is no longer loaded. */
  readonly policyMode: 'off' | 'audit' | 'enforce' | undefined
  /** Why the fuse or breaker of the policy is open, or null. */
  readonly trip: string | null
  /** What `plan` found; null before it was asked, and for undo. */
  readonly planned: Planned | null
  readonly planHash: string | null
  /** When the same action of the same policy last went through to the same target. */
  readonly lastActedMs: number | null
  /** Acts within the window of each of `step.terms.limits`, in their order. */
  readonly counts: readonly number[]
  /** Acts and failures of the policy within the windows of its fuse and breaker. */
  readonly acts: number
  readonly failures: number
  /** The step's latest approval. */
  readonly approval: Approval | null
  /** The other step that works on the target at this moment. */
  readonly lockedBy: string | null
}

/** refuse: the step ends, suppressed by this gate · hold: people are asked · wait: again a little later. */
export type Answer =
  | { readonly answer: 'pass'; readonly reason: string | null }
  | { readonly answer: 'refuse' | 'hold' | 'wait'; readonly reason: string }

export interface Gate {
  readonly name: string
  readonly ask: (situation: Situation) => Answer
}

export const pass: Answer = { answer: 'pass', reason: null }
export const passBecause = (reason: string): Answer => ({ answer: 'pass', reason })
export const refuse = (reason: string): Answer => ({ answer: 'refuse', reason })
export const hold = (reason: string): Answer => ({ answer: 'hold', reason })
export const wait = (reason: string): Answer => ({ answer: 'wait', reason })
