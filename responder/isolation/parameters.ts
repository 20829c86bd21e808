/** What a policy may ask of isolate_pod. */
import { z } from 'zod'
import { addressSchema } from '../../contract/node-actions.ts'
import { isLabelValue, labelKeySchema } from '../kubernetes/label-values.ts'

const podsSchema = z.strictObject({
  namespace: z.string().refine(isLabelValue, { error: 'must be the name of a namespace' }),
  labels: z
    .record(labelKeySchema, z.string().refine(isLabelValue, { error: 'must be a label value' }))
    .refine((labels) => Object.keys(labels).length > 0, { error: 'must name at least one label' }),
})

export const isolationSchema = z.strictObject({
  directions: z
    .array(z.enum(['ingress', 'egress']))
    .min(1)
    .default(['ingress', 'egress'])
    .describe('what is cut: connections to the pod, from it, or both'),
  allow: z
    .array(z.union([z.enum(['dns', 'responders']), addressSchema, podsSchema]))
    .max(32)
    .default([])
    .describe(
      "what stays reachable: dns (the cluster's), responders (Riposte), addresses and networks, `{ namespace, labels }` of pods",
    ),
  keepInService: z
    .boolean()
    .default(true)
    .describe('false: relabelled out of its Services and its controller, which makes another'),
  provider: z
    .enum(['auto', 'networkpolicy', 'cilium', 'calico'])
    .default('auto')
    .describe('kind of policy; auto: what the API server serves and this responder may create'),
  nodeCut: z
    .boolean()
    .default(true)
    .describe('cut on its node at once, open connections too (both directions only)'),
  verify: z
    .enum(['probe', 'policy', 'none'])
    .default('probe')
    .describe('probe: packets must stop; policy: that the policy is there; none: nothing'),
})

export type IsolationParameters = z.infer<typeof isolationSchema>
export type Direction = IsolationParameters['directions'][number]
