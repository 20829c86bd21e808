/** A container as its runtime, the node's pods and its cgroup tell of it: what container.* and k8s.* fields are made of. */
import type { Place } from '../../contract/alert.ts'
import type { Pod } from '../../contract/kubernetes.ts'

export interface Mount {
  readonly source: string
  readonly destination: string
  /** As Docker tells it (`z`, `ro`, …); empty elsewhere. */
  readonly mode: string
  readonly isWritable: boolean
  /** private, rslave or rshared, or what the runtime calls it. */
  readonly propagation: string
}

/** A command by which the container is asked how it is. */
export interface Probe {
  readonly kind: 'health' | 'liveness' | 'readiness'
  /** argv, its first element included. */
  readonly command: readonly string[]
}

/** What the runtime itself knows of the pod; labels and annotations as the kubelet handed them over. */
export interface RuntimePod {
  readonly uid: string
  readonly name: string
  readonly namespace: string
  readonly labels: Readonly<Record<string, string>>
  readonly annotations: Readonly<Record<string, string>>
}

/** Text that a runtime does not have is empty, as it is in Falco. */
export interface ContainerFacts {
  readonly id: string
  readonly name: string
  /** containerd, cri-o, docker, podman */
  readonly runtime: string
  readonly image: string
  readonly imageId: string
  readonly imageRepository: string
  readonly imageTag: string
  /** `sha256:…` */
  readonly imageDigest: string
  readonly isPrivileged: boolean
  readonly isHostPid: boolean
  readonly isHostNetwork: boolean
  readonly isHostIpc: boolean
  readonly mounts: readonly Mount[]
  readonly labels: Readonly<Record<string, string>>
  readonly probes: readonly Probe[]
  readonly ip: string
  /** JSON of the pod's network interfaces. */
  readonly cniResult: string
  /** Id of the pod's sandbox (pause) container, its own for the sandbox itself; empty outside pods. */
  readonly sandboxId: string
  readonly isSandbox: boolean
  readonly pod: RuntimePod | undefined
}

/** One object a container: processes point at it, and what is learnt later is there for all of them at once. */
export interface Container {
  /** First 12 characters of the id, or all of a name. */
  readonly id: string
  readonly fullId: string
  /** From the kubelet's cgroup path: there before anything else is. A static pod's is its config hash. */
  readonly podUid: string | undefined
  facts: ContainerFacts | undefined
  pod: Pod | undefined
  /** Probes of the pod's specification that run in this container. */
  probes: readonly Probe[]
  /** Somebody may still tell more: alerts say so, and are amended. */
  isPending: boolean
}

/** Where a process in this container is, as alerts tell it. */
export function placeIn(container: Container, cgroupId: bigint): Place {
  const { facts } = container
  return {
    cgroupId: String(cgroupId),
    containerId: container.id,
    container: facts === undefined ? null : alertContainer(facts),
    pod: container.pod ?? null,
    isPending: container.isPending,
  }
}

const alertContainer = (facts: ContainerFacts): Place['container'] => ({
  id: facts.id,
  name: facts.name,
  image: facts.image,
  imageDigest: facts.imageDigest === '' ? null : facts.imageDigest,
  runtime: facts.runtime,
})
