/** An object, or null where it is gone or another has its name by now. */
import { TargetGone } from '../actions/errors.ts'
import type { Kubernetes, KubernetesObject, ObjectReference } from './kubernetes.ts'

export async function getUnlessGone(
  kubernetes: Pick<Kubernetes, 'get'>,
  reference: ObjectReference,
): Promise<KubernetesObject | null> {
  try {
    return await kubernetes.get(reference)
  } catch (error) {
    if (error instanceof TargetGone) return null
    throw error
  }
}
