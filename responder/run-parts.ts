/** What a step is worked on with: handed in once for the process, and what one attempt has in hand. */
import type { Evidence } from './evidence/evidence.ts'
import type { Kubernetes } from './kubernetes/kubernetes.ts'
import type { Alert } from '../contract/alert.ts'
import type { Action, Call, Effect, NodeLink, Notify, Risk, Target } from './actions/action.ts'
import type { Judge } from './case.ts'
import type { KeptLease } from './keep-lease.ts'
import type { Surroundings } from './ledger/facts.ts'
import type { Claimed } from './ledger/leases.ts'
import type { Ledger } from './ledger/open.ts'
import type { Step } from './step.ts'

/** Where a test may end the process, to show what a crash there leaves. */
export const points = ['claimed', 'planned', 'intent', 'acted', 'ended'] as const
export type Point = (typeof points)[number]

/** What an order to a node is made from: its id is the step's, so that the node knows a repeat. */
export interface Order {
  readonly step: Step
  readonly alert: Alert
  /** Time until the step's deadline; ledger time means nothing to a node. */
  readonly leftMs: number
  readonly signal: AbortSignal
}

export interface RunParts {
  readonly ledger: Ledger
  /** Names this process among all that share the ledger. */
  readonly owner: string
  readonly leaseMs: number
  readonly judge: Judge
  readonly actions: ReadonlyMap<string, Action>
  readonly surroundings: Surroundings
  readonly linkTo: (order: Order) => NodeLink
  /** The API server, for one attempt, by the rights of one class: its calls end when the attempt does. */
  readonly kubernetes: (signal: AbortSignal, risk: Risk) => Kubernetes
  /** What one attempt of the step keeps. */
  readonly evidence: (step: Step, signal: AbortSignal) => Evidence
  /** Before the plan: throws when the alert's node may not speak of the target. */
  readonly confirm: (alert: Alert, target: Target) => Promise<void>
  readonly notify: Notify
  /** Where people look at a case. */
  readonly linkOf: (caseId: string) => string | null
  /** Aborted soon after the kill switch is turned on; the gates look at it themselves. Stops what is above notify. */
  readonly killSignal: () => Promise<AbortSignal>
  readonly reach: (point: Point, step: Step) => void
}

export interface Attempt {
  readonly parts: RunParts
  readonly claimed: Claimed
  readonly kept: KeptLease
  readonly action: Action
  readonly call: Call<Effect>
  /** What undo takes back; null for acts. */
  readonly undone: Effect | null
}
