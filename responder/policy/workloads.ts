/** Which pods a policy or a guard is about: namespaces and labels, as Kubernetes selects. */
import { z } from 'zod'
import type { Alert } from '../../contract/alert.ts'
import { selects } from '../../contract/protected-pods.ts'
import { strict, word } from './strict.ts'

const text = z.string().min(1)
const operators = ['In', 'NotIn', 'Exists', 'DoesNotExist'] as const

/** metav1.LabelSelector: everything in it must hold; empty selects every pod. */
export const labelSelectorSchema = strict({
  matchLabels: z.record(z.string(), z.string()).default({}),
  matchExpressions: z
    .array(
      strict({
        key: text,
        operator: word('operator', operators),
        values: z.array(z.string()).default([]),
      }),
    )
    .default([]),
})

export const workloadsSchema = strict({
  namespaces: z.array(text).default([]).describe('only these namespaces; empty: every one'),
  excludeNamespaces: z.array(text).default([]).describe('never these'),
  selector: labelSelectorSchema.optional().describe('only pods with these labels'),
  excludeSelector: labelSelectorSchema.optional().describe('never pods with these labels'),
})
export type Workloads = z.infer<typeof workloadsSchema>

/** Why the alert is about none of these pods, one sentence; null when it is about one. Outside Kubernetes there are none. */
export function whyNotAmong(workloads: Workloads, alert: Alert): string | null {
  const { namespaces, excludeNamespaces, selector, excludeSelector } = workloads
  const namespace = namespaceOf(alert)
  if (namespace === null) return 'it is about nothing in a namespace'
  if (namespaces.length > 0 && !namespaces.includes(namespace))
    return `namespace ${namespace} is not selected`
  if (excludeNamespaces.includes(namespace)) return `namespace ${namespace} is excluded`
  const labels = alert.place?.pod?.labels
  if (selector !== undefined && (labels === undefined || !selects(selector, labels)))
    return "the pod's labels are not selected"
  if (excludeSelector !== undefined && labels !== undefined && selects(excludeSelector, labels))
    return "the pod's labels are excluded"
  return null
}

export const namespaceOf = ({ place, object }: Alert): string | null =>
  place?.pod?.namespace ?? object?.namespace ?? null
