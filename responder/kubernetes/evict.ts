/** The Eviction API: a deletion that asks every PodDisruptionBudget first. */
import { TargetGone } from '../actions/errors.ts'
import { refusalBehind } from './api-error.ts'
import type { Kubernetes, ObjectReference } from './kubernetes.ts'

export interface Evict {
  readonly graceSeconds?: number | undefined
  readonly isDryRun?: boolean
}

/** evicted: accepted, the pod ends in its own time · gone: it was not there any more · held: a budget says not now. */
export type Evicted =
  | { readonly kind: 'evicted' }
  | { readonly kind: 'gone' }
  | { readonly kind: 'held'; readonly by: string }

/** Of a pod with another UID the API server is sure only after 10 s of trying (seen): who can, looks before. */
const timeoutMs = 20_000

export async function evict(
  kubernetes: Kubernetes,
  pod: ObjectReference,
  { graceSeconds, isDryRun = false }: Evict = {},
): Promise<Evicted> {
  const { name, namespace, uid } = pod
  const body = {
    apiVersion: 'policy/v1',
    kind: 'Eviction',
    metadata: { name, namespace },
    deleteOptions: {
      ...(uid === null ? {} : { preconditions: { uid } }),
      ...(graceSeconds === undefined ? {} : { gracePeriodSeconds: graceSeconds }),
      ...(isDryRun ? { dryRun: ['All'] } : {}),
    },
  }
  try {
    const path = await kubernetes.pathOf(pod, 'eviction')
    await kubernetes.request('POST', path, body, { timeoutMs })
    return { kind: 'evicted' }
  } catch (error) {
    if (error instanceof TargetGone) return { kind: 'gone' }
    const refusal = refusalBehind(error)
    if (refusal?.code === 429) return { kind: 'held', by: refusal.message }
    // The UID is the only precondition that is sent.
    if (refusal?.code === 409) return { kind: 'gone' }
    throw error
  }
}
