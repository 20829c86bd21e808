/** Which pods leave a node that is drained, and their leaving. */
import type { Kubernetes, KubernetesObject, OwnPlace } from './kubernetes.ts'
import { evict } from './evict.ts'
import { referenceTo } from './objects.ts'
import { controllerOf, isEnding, isMirror, partsOfPod, podName } from './pods.ts'

export interface Leaving {
  /** Those that are to leave, or are on their way. */
  readonly leaving: readonly KubernetesObject[]
  /** Those that stay although a person might expect otherwise: sentence parts such as `pod a/b (no controller)`. */
  readonly staying: readonly string[]
}

export async function leavingFrom(
  kubernetes: Kubernetes,
  node: string,
  isUnmanagedIncluded: boolean,
): Promise<Leaving> {
  const of = { apiVersion: 'v1', kind: 'Pod', namespace: null }
  const pods = await kubernetes.list(of, { fields: `spec.nodeName=${node}` })
  const leaving: KubernetesObject[] = []
  const staying: string[] = []
  for (const pod of pods) {
    const why = whyItStays(pod, kubernetes.own, isUnmanagedIncluded)
    if (why === null) leaving.push(pod)
    else if (why !== '') staying.push(`${podName(pod)} (${why})`)
  }
  return { leaving, staying }
}

/** Null: it leaves; empty: it stays as a matter of course. */
function whyItStays(
  pod: KubernetesObject,
  own: OwnPlace,
  isUnmanagedIncluded: boolean,
): string | null {
  const controller = controllerOf(pod)
  if (isMirror(pod) || controller?.kind === 'DaemonSet') return ''
  if (['Succeeded', 'Failed'].includes(partsOfPod(pod).status.phase)) return ''
  if (isOwn(pod, own)) return 'Riposte itself'
  return controller === undefined && !isUnmanagedIncluded ? 'no controller' : null
}

function isOwn({ metadata }: KubernetesObject, { namespace, labels }: OwnPlace): boolean {
  const wanted = Object.entries(labels)
  return (
    namespace !== null &&
    metadata.namespace === namespace &&
    wanted.length > 0 &&
    wanted.every(([key, value]) => metadata.labels?.[key] === value)
  )
}

const atOnce = 5

/** Asks each that is not on its way yet to go; what was refused, one sentence part each. */
export async function evictAll(
  kubernetes: Kubernetes,
  pods: readonly KubernetesObject[],
  isDryRun: boolean,
): Promise<readonly string[]> {
  const waiting = pods.filter((pod) => !isEnding(pod))
  const held: string[] = []
  const worker = async () => {
    for (let pod = waiting.shift(); pod !== undefined; pod = waiting.shift()) {
      const tried = await evict(kubernetes, referenceTo(pod), { isDryRun })
      if (tried.kind === 'held') held.push(`${podName(pod)}: ${tried.by}`)
    }
  }
  await Promise.all(Array.from({ length: Math.min(atOnce, waiting.length) }, worker))
  return held
}
