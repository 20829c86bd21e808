/** Evidence that a node hands over: only of a step that it was sent, that takes evidence, and that acts now. */
import type { Action } from '../actions/action.ts'
import { Refused } from '../http/reply.ts'
import { findAlert } from '../ledger/alerts.ts'
import type { Ledger } from '../ledger/open.ts'
import { findStep } from '../ledger/steps.ts'
import { ownerOf, type Custody } from './custody.ts'
import type { Kept } from './evidence.ts'
import type { Content } from './store.ts'

export interface Handed {
  readonly node: string
  readonly stepId: string
  readonly name: string
  readonly sha256: string
  readonly content: Content
  readonly signal: AbortSignal
}

export type TakeEvidence = (handed: Handed) => Promise<Kept | null>

/** Throws Refused: 403 of what it was not asked for, 409 `no_store` where evidence stays on the nodes. */
export const evidenceFromNodes =
  (
    ledger: Ledger,
    actions: readonly Action[],
    kept: { readonly custody: Custody } | null,
  ): TakeEvidence =>
  async ({ node, stepId, name, sha256, content, signal }) => {
    const step = await findStep(ledger, stepId)
    const isEvidence = actions.some(
      (action) => action.name === step?.action && action.isEvidence === true,
    )
    const asked =
      step?.status === 'acting' && isEvidence ? await findAlert(ledger, step.alertId) : undefined
    if (step === undefined || asked?.node !== node)
      throw new Refused(403, 'not_asked', `${node} was not asked for evidence of step ${stepId}`)
    if (kept === null) throw new Refused(409, 'no_store', 'no store is configured here')
    return kept.custody.of(ownerOf(step), signal).put(name, content, sha256)
  }
