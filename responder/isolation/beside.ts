/** Other NetworkPolicies of the namespace that select the pod: they only ever allow, and ours cannot take that back. */
import { z } from 'zod'
import type { Kubernetes } from '../kubernetes/kubernetes.ts'
import { selects, type LabelSelector } from '../../contract/protected-pods.ts'
import { labelSelectorSchema } from '../policy/workloads.ts'
import { isolatedLabel } from './effect.ts'
import type { Direction } from './parameters.ts'

type Labels = Readonly<Record<string, string>>

const rules = z.array(z.unknown()).default([])
const policySchema = z.looseObject({
  metadata: z.looseObject({ name: z.string() }),
  spec: z.looseObject({
    podSelector: labelSelectorSchema.prefault({}),
    policyTypes: z.array(z.enum(['Ingress', 'Egress'])).default(['Ingress']),
    ingress: rules,
    egress: rules,
  }),
})

export interface PolicyBeside {
  readonly name: string
  readonly selector: LabelSelector
  /** In these it allows something. */
  readonly allows: readonly Direction[]
  /** In these it limits: without it everything would be allowed. */
  readonly limits: readonly Direction[]
}

export async function policiesIn(
  kubernetes: Pick<Kubernetes, 'list'>,
  namespace: string | null,
): Promise<readonly PolicyBeside[]> {
  const of = { apiVersion: 'networking.k8s.io/v1', kind: 'NetworkPolicy', namespace }
  // Ours select one pod each; of a thousand isolations there are a thousand.
  return (await kubernetes.list(of, { labels: `!${isolatedLabel}`, mayLag: true })).map(
    (object) => {
      const { metadata, spec } = policySchema.parse(object)
      const limits = spec.policyTypes.map((type) => (type === 'Ingress' ? 'ingress' : 'egress'))
      const allows = limits.filter((direction) => spec[direction].length > 0)
      return { name: metadata.name, selector: spec.podSelector, allows, limits }
    },
  )
}

/** Those that still allow a pod with these labels something in these directions. */
export const allowing = (
  policies: readonly PolicyBeside[],
  labels: Labels,
  directions: readonly Direction[],
): readonly PolicyBeside[] =>
  policies.filter(
    ({ selector, allows }) =>
      allows.some((direction) => directions.includes(direction)) && selects(selector, labels),
  )

/** Those that limit a direction that stays open, and would not any more once the labels are others. */
export const lifted = (
  policies: readonly PolicyBeside[],
  before: Labels,
  after: Labels,
  cut: readonly Direction[],
): readonly PolicyBeside[] =>
  policies.filter(
    ({ selector, limits }) =>
      limits.some((direction) => !cut.includes(direction)) &&
      selects(selector, before) &&
      !selects(selector, after),
  )
