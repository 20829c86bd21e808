/** Shape of a container runtime as identity asks it: the CRI over gRPC, Docker and podman over HTTP. */
import type { ContainerFacts } from '../state/container.ts'

export interface Runtime {
  /** `containerd at /run/containerd/containerd.sock`, once it has told its name. */
  readonly name: string
  /**
   * Tells `found` of each of these whole ids that it has, as soon as it knows it, and again when it knows more, also
   * later; an id that it does not have is left out. Throws RuntimeAway when it cannot be asked now.
   */
  lookUp(
    ids: readonly string[],
    found: (facts: ContainerFacts) => void,
    signal: AbortSignal,
  ): Promise<void>
  /** Throws RuntimeAway when it does not answer. */
  check(signal: AbortSignal): Promise<void>
  close(): void
}

/** The runtime does not answer: its socket is gone, or it is too slow. */
export class RuntimeAway extends Error {
  readonly code = 'runtime_away'
  readonly retryable = true
}
