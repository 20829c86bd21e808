/** The kinds of policy that can isolate one pod. Adding one is its file and its line here. */
import type { ObjectReference } from '../kubernetes/kubernetes.ts'
import { calicoPolicy } from './calico.ts'
import { ciliumPolicy } from './cilium.ts'
import { isolatedLabel } from './effect.ts'
import { networkPolicy } from './network-policy.ts'
import type { PolicyProvider } from './provider.ts'

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
