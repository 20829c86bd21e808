/** A policy as the responder works with it: read, checked, its conditions parsed. Plain data but for the conditions. */
import type { RequestedAction } from '../../contract/alert.ts'
import type { LabelSelector } from '../../contract/protected-pods.ts'
import type { Selection } from '../../contract/select.ts'
import type { Risk } from '../actions/action.ts'
import type { AlertCondition } from './alert-condition.ts'
import type { CaseCondition } from './case-condition.ts'
import type { Workloads } from './workloads.ts'
import type { Caps, correlateBy, Mode, RungSpec } from './schema.ts'

export interface Policy {
  readonly name: string
  /** A ResponsePolicy is a tenant's: it can do no more than the cluster's policies that match as well. */
  readonly kind: 'ResponsePolicy' | 'ClusterResponsePolicy'
  /** A ResponsePolicy that lives in a namespace is about nothing outside it. */
  readonly namespace: string | null
  readonly description: string
  /** The file that holds it, for people. */
  readonly file: string
  /** What the file says; `riposte policies set-mode` may say otherwise. */
  readonly mode: Mode
  /** SHA-256 of the document's content: in every step's id, so that a changed policy plans anew. */
  readonly generation: string
  readonly selection: Selection
  readonly condition: AlertCondition | null
  readonly workloads: Workloads | null
  readonly correlate: {
    readonly by: readonly (typeof correlateBy)[number][]
    readonly windowMs: number
    readonly cooldownMs: number
  }
  readonly ladder: readonly Rung[]
  readonly limits: Caps
  readonly fuse: Fuse
}

export interface Fuse {
  readonly max: number
  readonly perMs: number
}

export interface Rung {
  readonly name: string
  /** Also what the rule's own `actions:` ask for. */
  readonly isFromRule: boolean
  readonly when: CaseCondition | null
  readonly isAlways: boolean
  readonly actions: readonly PolicyAction[]
  readonly approve: RungSpec['approve'] | undefined
  readonly undo: RungSpec['undo'] | undefined
  readonly isRequired: boolean
  /** A required rung stands before it. */
  readonly isWaiting: boolean
  readonly deadlineMs: number | null
}

export interface PolicyAction extends RequestedAction {
  readonly risk: Risk
  /** kernel: struck inside the offending call, where the node can; otherwise and elsewhere by a verdict to the node. */
  readonly where: 'kernel' | 'node'
  readonly fuse: Fuse
}

/** The administrator's ceiling: every guard file together, the strictest of each. */
export interface Guard {
  readonly protectedProcesses: readonly string[]
  readonly protectedPaths: readonly string[]
  readonly protectedNamespaces: readonly string[]
  readonly protectedSelectors: readonly LabelSelector[]
  readonly protectedPriorityClasses: readonly string[]
  readonly protectedNodes: readonly string[]
  readonly minApprovals: Readonly<Partial<Record<Risk, number>>>
  /** One entry a guard file; all of them hold. */
  readonly caps: readonly Caps[]
  readonly isKillSwitchOn: boolean
}

/** What is in force together: replaced as a whole or not at all. */
export interface PolicySet {
  readonly policies: readonly Policy[]
  readonly guard: Guard
  /** SHA-256 over all documents; what `policies list` and the strikes name. */
  readonly generation: string
}

export const noGuard: Guard = {
  protectedProcesses: [],
  protectedPaths: [],
  protectedNamespaces: [],
  protectedSelectors: [],
  protectedPriorityClasses: [],
  protectedNodes: [],
  minApprovals: {},
  caps: [],
  isKillSwitchOn: false,
}
