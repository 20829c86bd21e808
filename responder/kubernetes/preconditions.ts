/** Whether it is the very object that was meant, and what a write says whose precondition failed. */
import { TargetGone } from '../actions/errors.ts'
import type { KubernetesObject, ObjectReference } from './kubernetes.ts'
import { nameOf } from './objects.ts'

/** JSON patch's own words for a `test` that failed; anything else of 422 is about the values. */
export const isTestFailure = (message: string) =>
  message.includes('rejected our request') || message.includes('test')

export function refuseAnother(reference: ObjectReference, { metadata }: KubernetesObject): void {
  if (reference.uid === null || reference.uid === metadata.uid) return
  // A static pod is known on its node by the hash that its mirror carries.
  if (metadata.annotations?.['kubernetes.io/config.mirror'] === reference.uid) return
  throw new TargetGone(
    `${nameOf(reference)} has UID ${metadata.uid} now, this was about ${reference.uid}`,
  )
}
