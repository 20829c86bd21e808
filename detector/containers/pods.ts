/** Shape of what tells a node's pods; the API server's watch is the one there is. */
import type { KnownPod } from './kubernetes/pod.ts'

export interface PodSource {
  /** By UID, or by a static pod's config hash. */
  find(uid: string): KnownPod | undefined
  /** False while the API server does not answer: then what the runtime knows of a pod has to do. */
  readonly isInSync: boolean
  degraded(): readonly string[]
  stop(): Promise<void>
}
