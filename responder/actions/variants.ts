/**
 * What an action does only where a policy or the cluster asks for it, and needs further rights for. The chart grants
 * them by these names (`actions.variants`), so that nobody holds rights for what he never asks for.
 */
import type { Kubernetes } from '../kubernetes/kubernetes.ts'

interface Variant {
  /** For people: `isolate_pod with …`. */
  readonly when: string
  /** Whether a step with these parameters needs the rights. */
  readonly isAsked: (
    parameters: Readonly<Record<string, unknown>>,
    kubernetes: Pick<Kubernetes, 'serves'>,
  ) => boolean | Promise<boolean>
}

const says = (key: string, value: unknown): Variant => ({
  when: `${key}: ${String(value)}`,
  isAsked: (parameters) => parameters[key] === value,
})

const list = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : [])

const names = (...kinds: readonly string[]): Variant => ({
  when: `kinds: ${kinds.join(', ')}`,
  isAsked: (parameters) => list(parameters['kinds']).some((kind) => kinds.includes(String(kind))),
})

const isHole = (one: unknown): boolean =>
  typeof one === 'object' || one === 'dns' || one === 'responders'

const table = {
  holes: {
    when: 'allow: dns, responders or pods',
    // A policy names pods by label; only the node's cut needs their addresses.
    isAsked: ({ allow, nodeCut }) => nodeCut !== false && list(allow).some(isHole),
  },
  keda: {
    when: 'KEDA in the cluster',
    isAsked: (_parameters, kubernetes) => kubernetes.serves('keda.sh/v1alpha1', 'ScaledObject'),
  },
  relabel: says('keepInService', false),
  cilium: says('provider', 'cilium'),
  calico: says('provider', 'calico'),
  'override-pdb': says('overridePdb', true),
  'no-execute': says('effect', 'NoExecute'),
  'config-kinds': names('Service', 'ConfigMap', 'ServiceAccount'),
  'network-kinds': names('Ingress', 'NetworkPolicy'),
  'rbac-kinds': names('Role', 'RoleBinding', 'ClusterRole', 'ClusterRoleBinding'),
} as const satisfies Readonly<Record<string, Variant>>

export type VariantName = keyof typeof table
export const variants: Readonly<Record<VariantName, Variant>> = table
