/** What an isolation did, as the ledger keeps it. */
import { z } from 'zod'
import { entriesSchema } from '../kubernetes/map-patch.ts'
import type { PatchOperation } from '../kubernetes/kubernetes.ts'
import { patchSchema, referenceSchema } from '../kubernetes/objects.ts'
import { nodeCutSchema } from './node-cut.ts'

/** The label that ours alone selects; its value is the step. */
export const isolatedLabel = 'riposte.dev/isolated'

/** Labels as they are to be and as they were. */
export const relabellingSchema = z.object({ wanted: entriesSchema, prior: entriesSchema })
export type Relabelling = z.infer<typeof relabellingSchema>

export const madePolicySchema = z.object({
  reference: referenceSchema,
  /** As the API server keeps it, so that a change by somebody shows. */
  spec: z.record(z.string(), z.unknown()),
})
export type MadePolicy = z.infer<typeof madePolicySchema>

export const isolationEffectSchema = z.object({
  step: z.string(),
  reference: referenceSchema,
  /** Null where a policy does nothing (host network) or the API server was away. */
  policy: madePolicySchema.nullable(),
  labels: relabellingSchema.nullable(),
  /** Null where the node was not asked, or said that it cannot. */
  node: nodeCutSchema.nullable(),
  /** What answered before the cut. */
  probe: z.object({ host: z.string(), port: z.int() }).nullable(),
  notes: z.array(z.string()),
})
export type IsolationEffect = z.infer<typeof isolationEffectSchema>

/** With what `run` sends, from the pod as `plan` saw it: its tests fail where that is not so any more. */
export const plannedIsolationSchema = isolationEffectSchema.extend({ relabel: patchSchema })
export type PlannedIsolation = IsolationEffect & { readonly relabel: readonly PatchOperation[] }
