/** A case: the alerts that one policy sees as one matter, on one target. */
import type { Alert, Priority } from '../contract/alert.ts'
import type { Target } from './actions/action.ts'
import { digest, type Step, type StepDraft } from './step.ts'

export interface Case {
  readonly id: string
  readonly policy: string
  /** What the policy correlates by, as text. */
  readonly key: string
  readonly target: Target
  /** Alerts counted into it, the latest included. */
  readonly count: number
  /** The most urgent of its alerts'. */
  readonly priority: Priority
  readonly rules: readonly string[]
  readonly firstMs: number
  readonly lastMs: number
}

/** Which case an alert belongs to: the open one with this policy and key, or a new one. */
export interface CaseClaim {
  readonly policy: string
  readonly key: string
  readonly target: Target
  /** An alert later than this after the last one begins a new case. */
  readonly windowMs: number
}

/** Derived from the first alert, so that taking the same alerts again makes the same cases. */
export const caseIdOf = (claim: CaseClaim, firstAlertId: string): string =>
  `c${digest({ policy: claim.policy, key: claim.key, firstAlertId }).slice(0, 32)}`

/** The policies, as the ledger asks them; both are pure and quick. */
export interface Judge {
  /** One claim for each policy that selects the alert; none: the alert is recorded as unmatched. */
  readonly correlate: (alert: Alert) => readonly CaseClaim[]
  /**
   * The steps that the case asks for now, in order. Asked for each alert, and again when a step of the case ends;
   * steps that the ledger already has (same id) are left alone.
   */
  readonly plan: (alert: Alert, found: Case, steps: readonly Step[]) => readonly StepDraft[]
}
