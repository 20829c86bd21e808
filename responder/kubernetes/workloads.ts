/** The workload that an alert is about, by a chain of UIDs that begins at what its node saw. */
import type { Alert } from '../../contract/alert.ts'
import type { Target } from '../actions/action.ts'
import { ActionRefused, TargetGone } from '../actions/errors.ts'
import type { Kubernetes, KubernetesObject, ObjectReference } from './kubernetes.ts'
import { nameOf } from './objects.ts'
import { controllersOf, referenceOf } from './references.ts'

type Pod = NonNullable<NonNullable<Alert['place']>['pod']>

/**
 * The node knows the UID of the pod's direct owner, which the pod may have lost since (it was relabelled out of it) or
 * be gone without: from that owner the way goes up, each step with the UID that the one below names. For audit alerts
 * the object itself. Throws ActionRefused where it is none of `kinds`, TargetGone where the chain ends elsewhere now.
 */
export async function workloadObject(
  kubernetes: Pick<Kubernetes, 'get'>,
  { target, alert }: { readonly target: Target; readonly alert: Alert },
  kinds: readonly string[],
): Promise<KubernetesObject> {
  const meant = referenceOf(target, alert)
  if (!kinds.includes(meant.kind))
    throw new ActionRefused(`${target.name} is none of ${kinds.join(', ')}`)
  const pod = alert.place?.pod
  if (pod) return lastAbove(kubernetes, pod, meant)
  const object = await kubernetes.get(meant)
  if (meant.uid === null) refuseYounger(object, alert)
  return object
}

async function lastAbove(
  kubernetes: Pick<Kubernetes, 'get'>,
  { namespace, owners }: Pod,
  meant: ObjectReference,
): Promise<KubernetesObject> {
  const [nearest] = owners
  if (nearest === undefined || nearest.uid === null)
    throw new ActionRefused(`the alert does not say by UID what ${nameOf(meant)} owns`)
  const first = await kubernetes.get({ ...nearest, namespace })
  const above = (await controllersOf(kubernetes, first)).at(-1)
  const last = above === undefined ? first : above.object
  if (last === null) throw new ActionRefused(`nothing is known of what owns ${nearest.name}`)
  const isMeant =
    last.kind === meant.kind &&
    last.metadata.name === meant.name &&
    (meant.uid === null || meant.uid === last.metadata.uid)
  if (isMeant) return last
  const name = nameOf({ ...last.metadata, kind: last.kind })
  throw new TargetGone(`${nameOf(meant)} is another now: what the alert names is of ${name}`)
}

/** Creation times have whole seconds, and a request takes a while to be carried out. */
const createdWithinMs = 2000

/**
 * An audit event that carries no UID means what had the name then: an object that came later, or in the same second, is
 * not it, unless the event is its creation.
 */
export function refuseYounger(object: KubernetesObject, { time, request }: Alert): void {
  const { creationTimestamp } = object.metadata
  const bornMs = Date.parse(creationTimestamp ?? '')
  const eventMs = Math.floor(Date.parse(time) / 1000) * 1000
  const isOfEvent =
    request?.verb === 'create' && bornMs >= eventMs && bornMs <= eventMs + createdWithinMs
  if (bornMs < eventMs || isOfEvent) return
  const name = nameOf({ ...object.metadata, kind: object.kind })
  throw new TargetGone(`${name} was made at ${creationTimestamp}, the alert is about one before it`)
}
