/** An approval: what people are asked about one plan of one step, and what they said. */
import type { ApprovalTerms } from './step.ts'

/** void: the plan it was about has changed, or the step was taken back. */
export const approvalStatuses = ['pending', 'approved', 'denied', 'expired', 'void'] as const
export type ApprovalStatus = (typeof approvalStatuses)[number]

export interface Approval {
  readonly id: string
  readonly stepId: string
  readonly caseId: string
  readonly policy: string
  readonly action: string
  readonly targetName: string
  readonly planHash: string
  /** `would kill bash (812) and 2 descendants`. */
  readonly detail: string
  readonly terms: ApprovalTerms
  readonly status: ApprovalStatus
  /** Why it ended, and by whom. */
  readonly decision: string | null
  readonly createdMs: number
  readonly expiresMs: number
  readonly decidedMs: number | null
  readonly votes: readonly Vote[]
}

export interface Vote {
  readonly person: string
  readonly choice: 'approve' | 'deny'
  readonly reason: string
  /** `cli`, `web`, `slack`. */
  readonly channel: string
  readonly atMs: number
}
