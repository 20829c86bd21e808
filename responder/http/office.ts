/** What the people's routes are handed: the ledger, the policies in force, the nodes, and the few things they can turn. */
import type { Problem } from '../../contract/problem.ts'
import type { Action } from '../actions/action.ts'
import type { Person } from '../containments.ts'
import type { Core } from '../core.ts'
import type { Custody } from '../evidence/custody.ts'
import type { EvidenceStore } from '../evidence/store.ts'
import type { Ledger } from '../ledger/open.ts'
import type { InForce } from '../policy/in-force.ts'
import type { Mode } from '../policy/schema.ts'
import type { NodeHub } from './node-hub.ts'

export interface Office {
  readonly core: Core
  readonly ledger: Ledger
  readonly actions: readonly Action[]
  readonly hub: NodeHub
  /** Null: no store is configured. */
  readonly evidence: { readonly store: EvidenceStore; readonly custody: Custody } | null
  readonly inForce: () => InForce
  /** Why the policy files as they are now are not in force; empty when they are. */
  readonly policyProblems: () => readonly Problem[]
  /** Null: as the file says. */
  readonly setMode: (policy: string, mode: Mode | null, who: Person) => Promise<void>
  /** Everything that is not as it should be, one sentence each (I9). */
  readonly degraded: () => readonly string[]
  /** Groups of people, by name: who approves for them. */
  readonly groups: Readonly<Record<string, readonly string[]>>
  /** Prometheus text. */
  readonly metrics: () => Promise<string>
  readonly version: string
  readonly startedMs: number
}
