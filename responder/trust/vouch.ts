/** What a detector that Kubernetes vouches for may say: of its own node, its own kind of thing, its own pods. */
import type { Alert, Place } from '../../contract/alert.ts'
import type { Pod } from '../../contract/kubernetes.ts'
import { Refused } from '../http/reply.ts'
import { provenOwners } from './owners.ts'
import type { Pods } from './pods.ts'
import { refuseOther, type NodeCaller } from './trust.ts'

export const auditSource = 'k8s_audit'

/** Why this kind of caller may not send the alert, or null. What a detector says of itself has neither side. */
export function whyNotTheirs({ kind }: NodeCaller, alert: Alert): string | null {
  const isOfProcess = alert.process !== null || alert.place !== null || alert.strikes.length > 0
  const isOfRequest =
    alert.source === auditSource || alert.request !== null || alert.object !== null
  if (kind === 'audit' && isOfProcess)
    return 'a detector of audit events may not speak of processes and pods'
  if (kind === 'audit' && alert.source !== auditSource && alert.source !== 'internal')
    return `a detector of audit events may not send alerts of ${alert.source}`
  if (kind === 'node' && isOfRequest)
    return 'a detector of a node may not send alerts of the Kubernetes audit'
  return null
}

/** Throws Refused. */
export function checkAlert(caller: NodeCaller, alert: Alert): void {
  refuseOther(caller, alert.node)
  const why = whyNotTheirs(caller, alert)
  if (why !== null) throw new Refused(403, 'other_source', `alert ${alert.id}: ${why}`)
}

/** Questions to the API server at once, for one batch. */
const width = 20

/**
 * The same, each pod as the API server knows it: labels that guards protect by, and owners through which a workload
 * is reached, are not the node's to say. Throws Refused when a pod runs on another node. Of a pod that is gone or
 * cannot be asked about only what reaches no further than itself is believed; actions on it ask for its UID.
 */
export async function vouchPlaces<Said extends { readonly place: Place | null }>(
  caller: NodeCaller,
  said: readonly Said[],
  pods: Pods,
): Promise<readonly Said[]> {
  const vouched: Said[] = []
  for (let start = 0; start < said.length; start += width)
    vouched.push(
      ...(await Promise.all(
        said.slice(start, start + width).map((one) => vouchPlace(caller, one, pods)),
      )),
    )
  return vouched
}

async function vouchPlace<Said extends { readonly place: Place | null }>(
  { node }: NodeCaller,
  said: Said,
  pods: Pods,
): Promise<Said> {
  const { place } = said
  if (place === null || place.pod === null) return said
  return { ...said, place: { ...place, pod: await vouchPod(node, place.pod, pods) } }
}

async function vouchPod(node: string, pod: Pod, pods: Pods): Promise<Pod> {
  const { namespace, name } = pod
  if (!objectName.test(namespace) || !objectName.test(name))
    throw new Refused(403, 'foreign_pod', 'a pod is named by what is no name of a pod')
  const found = await pods.find(pod)
  if (typeof found === 'string') return { ...pod, serviceAccount: '', owners: [] }
  if (found.node !== node)
    throw new Refused(403, 'foreign_pod', `pod ${namespace}/${name} does not run on ${node}`)
  const {
    node: _node,
    controller: _controller,
    createdMs: _createdMs,
    readMs: _readMs,
    ...known
  } = found
  return { ...known, owners: provenOwners(pod.owners, found) }
}

/** Lower case, digits, hyphens and dots, as the API server takes them: nothing that changes a URL's path. */
const objectName = /^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$/
