/** What actions read and change of a node. */
import { z } from 'zod'
import type { KubernetesObject } from './kubernetes.ts'
import type { PodParts } from './pods.ts'

export const taintSchema = z.object({
  key: z.string(),
  value: z.string().default(''),
  effect: z.string(),
})
export type Taint = z.infer<typeof taintSchema>

const nodePartsSchema = z.looseObject({
  spec: z
    .looseObject({
      unschedulable: z.boolean().nullable().default(null),
      /** As they came, so that a test for the whole list can hold. */
      taints: z
        .array(z.looseObject({ key: z.string(), effect: z.string() }))
        .nullable()
        .default(null),
    })
    .prefault({}),
})

export const partsOfNode = (node: KubernetesObject) => nodePartsSchema.parse(node).spec

/** Whether the pod may stay where this taint is; a toleration without key or effect means every one. */
export const tolerates = ({ spec }: PodParts, taint: Taint): boolean =>
  spec.tolerations.some(
    ({ key, operator, value, effect }) =>
      (effect === undefined || effect === '' || effect === taint.effect) &&
      (key === undefined || key === ''
        ? operator === 'Exists'
        : key === taint.key && (operator === 'Exists' || value === taint.value)),
  )
