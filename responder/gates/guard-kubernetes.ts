/** What is never acted on in a cluster: the control plane's own namespaces, what the system needs, and Riposte itself. */
import type { ProtectedPods } from '../../contract/protected-pods.ts'
import { namespaceOf } from '../policy/workloads.ts'
import type { ProtectedEntry } from './gate.ts'

/** A node is not its pods' namespace: cordoning the node that a system pod runs on is another question (`nodes`). */
export const protectNamespace = (origin: string, name: string): ProtectedEntry => ({
  origin,
  name: `namespace ${name}`,
  covers: (alert, { target }) =>
    target.kind !== 'node' && (target.namespace === name || namespaceOf(alert) === name),
})

export const protectPriorityClass = (origin: string, name: string): ProtectedEntry => ({
  origin,
  name: `priority class ${name}`,
  covers: ({ place }, { target }) => target.kind !== 'node' && place?.pod?.priorityClass === name,
})

const systemNamespaces = ['kube-system', 'kube-public', 'kube-node-lease']
const systemPriorityClasses = ['system-cluster-critical', 'system-node-critical']

/** The same for nodes, whose strikes pass no gate. */
export const builtInPods = (ownNamespace: string | null): ProtectedPods => ({
  namespaces: [...systemNamespaces, ...(ownNamespace === null ? [] : [ownNamespace])],
  priorityClasses: systemPriorityClasses,
  selectors: [],
})

/** The namespaces and classes that every distribution keeps for itself, and `ownNamespace`, where Riposte runs. */
export const kubernetesGuard = (ownNamespace: string | null): readonly ProtectedEntry[] => [
  ...systemNamespaces.map((name) => protectNamespace('built-in', name)),
  ...systemPriorityClasses.map((name) => protectPriorityClass('built-in', name)),
  ...(ownNamespace === null ? [] : [protectNamespace('built-in: Riposte itself', ownNamespace)]),
]
