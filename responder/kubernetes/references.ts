/** From what an alert is about to the object of the API that is meant. */
import type { Alert } from '../../contract/alert.ts'
import type { Target } from '../actions/action.ts'
import { ActionRefused } from '../actions/errors.ts'
import type { Kubernetes, KubernetesObject, ObjectReference } from './kubernetes.ts'
import { kindOfResource } from './resources.ts'

/** The object of a pod, workload, node or object target. Throws ActionRefused where the alert does not name it. */
export function referenceOf(target: Target, alert: Alert): ObjectReference {
  const reference = references[target.kind](alert, target)
  if (reference === undefined) throw new ActionRefused(`${target.name} is no object of Kubernetes`)
  return reference
}

type Find = (alert: Alert, target: Target) => ObjectReference | undefined

const references: Readonly<Record<Target['kind'], Find>> = {
  process: () => undefined,
  case: () => undefined,
  pod: (alert) => podOf(alert) ?? objectOf(alert),
  workload: (alert) => ownerOf(alert) ?? objectOf(alert),
  node: (_alert, { node }) => ({
    apiVersion: 'v1',
    kind: 'Node',
    namespace: null,
    name: node,
    uid: null,
  }),
  object: objectOf,
}

function podOf({ place }: Alert): ObjectReference | undefined {
  const pod = place?.pod
  if (!pod) return undefined
  const { namespace, name, uid } = pod
  return { apiVersion: 'v1', kind: 'Pod', namespace, name, uid }
}

function ownerOf({ place }: Alert): ObjectReference | undefined {
  const pod = place?.pod
  const owner = pod?.owners.at(-1)
  return pod && owner ? { ...owner, namespace: pod.namespace } : undefined
}

function objectOf({ object }: Alert): ObjectReference | undefined {
  if (object === null || object.name === null) return undefined
  const { apiGroup, resource, namespace, name, uid } = object
  const apiVersion = apiGroup === '' ? object.apiVersion : `${apiGroup}/${object.apiVersion}`
  const kind = kindOfResource(apiVersion, resource)
  return kind === undefined ? undefined : { apiVersion, kind, namespace, name, uid }
}

/** A link of the chain above a pod: `object` is null where this responder may not, or cannot, look at it. */
export interface Link {
  readonly reference: ObjectReference
  readonly object: KubernetesObject | null
}

/** Deeper than any chain of controllers there is. */
const maxLinks = 6

/**
 * The controllers above an object, nearest first, each with the UID that the one below it names: for a pod of a
 * Deployment its ReplicaSet, then the Deployment. Ends at the first one that cannot be looked at.
 */
export async function controllersOf(
  kubernetes: Pick<Kubernetes, 'get'>,
  object: KubernetesObject,
): Promise<readonly Link[]> {
  const links: Link[] = []
  let next = await linkAbove(kubernetes, object)
  while (next !== undefined && links.length < maxLinks) {
    links.push(next)
    next = next.object === null ? undefined : await linkAbove(kubernetes, next.object)
  }
  return links
}

/** The controller of this object alone; undefined where it has none. */
export async function linkAbove(
  kubernetes: Pick<Kubernetes, 'get'>,
  { metadata }: KubernetesObject,
): Promise<Link | undefined> {
  const owner = metadata.ownerReferences?.find(({ controller }) => controller === true)
  if (owner === undefined) return undefined
  const { apiVersion, kind, name, uid } = owner
  const reference = { apiVersion, kind, namespace: metadata.namespace ?? null, name, uid }
  return { reference, object: mayBeRead(reference) ? await kubernetes.get(reference) : null }
}

/** What a pod belongs to: the last of `controllersOf`; undefined for a pod that nothing would make anew. */
export const workloadOf = async (
  kubernetes: Pick<Kubernetes, 'get'>,
  pod: KubernetesObject,
): Promise<Link | undefined> => (await controllersOf(kubernetes, pod)).at(-1)

/** Other controllers' kinds (a Rollout, a CloneSet) would need rights that no role of ours gives. */
const mayBeRead = ({ apiVersion, kind }: ObjectReference): boolean =>
  readable.has(`${apiVersion} ${kind}`)

const readable = new Set([
  'apps/v1 ReplicaSet',
  'apps/v1 Deployment',
  'apps/v1 StatefulSet',
  'apps/v1 DaemonSet',
  'batch/v1 Job',
  'batch/v1 CronJob',
])
