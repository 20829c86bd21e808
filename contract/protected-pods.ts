/** Pods that nothing is done to: the gates ask it of an alert, and nodes of a strike inside the call. */
import { z } from 'zod'
import type { Pod } from './kubernetes.ts'

const operators = ['In', 'NotIn', 'Exists', 'DoesNotExist'] as const

/** metav1.LabelSelector: everything in it must hold; empty selects every pod. */
const selectorSchema = z.strictObject({
  matchLabels: z.record(z.string(), z.string()),
  matchExpressions: z.array(
    z.strictObject({
      key: z.string(),
      operator: z.enum(operators),
      values: z.array(z.string()),
    }),
  ),
})
export type LabelSelector = z.infer<typeof selectorSchema>

export const protectedPodsSchema = z.strictObject({
  namespaces: z.array(z.string()),
  priorityClasses: z.array(z.string()),
  selectors: z.array(selectorSchema),
})
export type ProtectedPods = z.infer<typeof protectedPodsSchema>

export const noPods: ProtectedPods = { namespaces: [], priorityClasses: [], selectors: [] }

export const isProtectedPod = (
  { namespaces, priorityClasses, selectors }: ProtectedPods,
  { namespace, priorityClass, labels }: Pick<Pod, 'namespace' | 'priorityClass' | 'labels'>,
): boolean =>
  namespaces.includes(namespace) ||
  (priorityClass !== null && priorityClasses.includes(priorityClass)) ||
  selectors.some((selector) => selects(selector, labels))

export function selects(
  { matchLabels, matchExpressions }: LabelSelector,
  labels: Readonly<Record<string, string>>,
): boolean {
  const has = (key: string) => Object.hasOwn(labels, key)
  return (
    Object.entries(matchLabels).every(([key, value]) => has(key) && labels[key] === value) &&
    matchExpressions.every(({ key, operator, values }) => {
      if (operator === 'Exists') return has(key)
      if (operator === 'DoesNotExist') return !has(key)
      const isIn = has(key) && values.includes(labels[key] ?? '')
      return operator === 'In' ? isIn : !isIn
    })
  )
}
