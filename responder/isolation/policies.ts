/** The kinds of policy that can isolate one pod. Adding one is its file and its line here. */
import type { ObjectReference } from '../kubernetes/kubernetes.ts'
import { calicoPolicy } from './calico.ts'
import { ciliumPolicy } from './cilium.ts'
import type { Holes } from './holes.ts'
import { isolatedLabel } from './effect.ts'
import { networkPolicy } from './network-policy.ts'
import type { Direction } from './parameters.ts'

export interface PolicyParts {
  /** The one label that only this pod carries. */
  readonly label: { readonly key: string; readonly value: string }
  readonly directions: readonly Direction[]
  readonly holes: Holes
}

export interface PolicyProvider {
  readonly apiVersion: string
  readonly kind: string
  /** For rights. */
  readonly resource: string
  /** Whether it denies: then no other policy can allow what it cuts. */
  readonly denies: boolean
  /** Names that this kind takes for one of ours. */
  readonly nameOf: (name: string) => string
  /** Pure, and as the API server keeps it: it is compared when the policy is verified and undone. */
  readonly specOf: (parts: PolicyParts) => Readonly<Record<string, unknown>>
}

export const providers = {
  networkpolicy: networkPolicy,
  cilium: ciliumPolicy,
  calico: calicoPolicy,
} as const satisfies Readonly<Record<string, PolicyProvider>>

export interface Made {
  readonly name: string
  readonly stepId: string
  readonly caseId: string
}

/** The whole object; it goes with its pod. */
export function policyObject(
  provider: PolicyProvider,
  pod: ObjectReference,
  { name, stepId, caseId }: Made,
  spec: Readonly<Record<string, unknown>>,
) {
  return {
    apiVersion: provider.apiVersion,
    kind: provider.kind,
    metadata: {
      name: provider.nameOf(name),
      namespace: pod.namespace,
      labels: { 'app.kubernetes.io/managed-by': 'riposte', [isolatedLabel]: stepId },
      annotations: { 'riposte.dev/step': stepId, 'riposte.dev/case': caseId },
      ownerReferences: [{ apiVersion: 'v1', kind: 'Pod', name: pod.name, uid: pod.uid }],
    },
    spec,
  }
}
