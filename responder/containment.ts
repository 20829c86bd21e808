/** A containment: an effect that is live and can be undone. */
import type { Effect, Target } from './actions/action.ts'

/** conflict: somebody changed it since · gone: its target is no more · failed: the undo could not be done. */
const containmentStatuses = ['live', 'undoing', 'undone', 'gone', 'conflict', 'failed'] as const
export type ContainmentStatus = (typeof containmentStatuses)[number]

export interface Containment {
  /** The id of the step that did it. */
  readonly id: string
  readonly caseId: string
  readonly policy: string
  readonly action: string
  readonly target: Target
  readonly effect: Effect
  readonly detail: string
  readonly status: ContainmentStatus
  readonly startedMs: number
  /** Null: until a person undoes it. */
  readonly expiresMs: number | null
  readonly onExpiry: 'revert' | 'keep'
  readonly endedMs: number | null
}
