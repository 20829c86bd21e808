/** From the CRI's answers to what identity knows of a container, in the ways that Falco's fields have them. */
import type { ContainerFacts, Mount, RuntimePod } from '../../state/container.ts'
import { boundedNames } from '../bounded-names.ts'
import { splitImage } from '../../../contract/image-name.ts'
import {
  type ContainerStatusResponse,
  MountPropagation,
  NamespaceMode,
  type PodSandboxStatusResponse,
} from './generated/runtime_pb.js'
import { isPrivileged, textWithin } from './info.ts'

/** What all containers of a sandbox share. */
export type SandboxFacts = Pick<
  ContainerFacts,
  'isHostPid' | 'isHostNetwork' | 'isHostIpc' | 'ip' | 'cniResult' | 'sandboxId' | 'pod'
>

export function sandboxFacts({ status }: PodSandboxStatusResponse): SandboxFacts {
  const options = status?.linux?.namespaces?.options
  return {
    isHostPid: options?.pid === NamespaceMode.NODE,
    isHostNetwork: options?.network === NamespaceMode.NODE,
    isHostIpc: options?.ipc === NamespaceMode.NODE,
    ip: status?.network?.ip ?? '',
    cniResult: '',
    sandboxId: status?.id ?? '',
    pod: podOf(status),
  }
}

/** Of a container whose sandbox is gone already. */
export const withoutSandbox: SandboxFacts = {
  isHostPid: false,
  isHostNetwork: false,
  isHostIpc: false,
  ip: '',
  cniResult: '',
  sandboxId: '',
  pod: undefined,
}

function podOf(status: PodSandboxStatusResponse['status']): RuntimePod | undefined {
  const metadata = status?.metadata
  if (status === undefined || metadata === undefined || metadata.uid === '') return undefined
  const { uid, name, namespace } = metadata
  return { uid, name, namespace, ...boundedNames(status) }
}

/** The sandbox's own (pause) container: what its pod shares, and an image once the verbose status (`info`) has told. */
export function pauseFacts(shared: SandboxFacts, info: unknown, runtime: string): ContainerFacts {
  const image = textWithin(info, 'image')
  const { repository, tag } = splitImage(image)
  return {
    ...shared,
    id: shared.sandboxId,
    // As dockershim called it; the CRI gives it no name.
    name: 'POD',
    runtime,
    image,
    imageId: '',
    imageRepository: repository,
    imageTag: tag,
    imageDigest: '',
    isPrivileged: isPrivileged(info),
    mounts: [],
    labels: withPod({}, shared),
    probes: [],
    isSandbox: true,
  }
}

/** `info` is the answer's, parsed. */
export function containerFacts(
  { status }: ContainerStatusResponse,
  info: unknown,
  shared: SandboxFacts,
  runtime: string,
): ContainerFacts | undefined {
  if (status === undefined) return undefined
  const { labels } = boundedNames(status)
  return {
    ...shared,
    ...imageOf(status, info),
    id: status.id,
    name: status.metadata?.name ?? '',
    runtime,
    isPrivileged: isPrivileged(info),
    mounts: status.mounts.map(mountOf),
    labels: withPod(labels, shared),
    probes: [],
    isSandbox: false,
  }
}

/** The labels that the kubelet sets, also where somebody else made the pod. */
function withPod(labels: Readonly<Record<string, string>>, { pod, sandboxId }: SandboxFacts) {
  const own = { ...labels, 'io.kubernetes.sandbox.id': sandboxId }
  if (pod === undefined) return own
  return {
    ...own,
    'io.kubernetes.pod.uid': pod.uid,
    'io.kubernetes.pod.name': pod.name,
    'io.kubernetes.pod.namespace': pod.namespace,
  }
}

const propagations = {
  [MountPropagation.PROPAGATION_PRIVATE]: 'private',
  [MountPropagation.PROPAGATION_HOST_TO_CONTAINER]: 'rslave',
  [MountPropagation.PROPAGATION_BIDIRECTIONAL]: 'rshared',
} as const

type Status = NonNullable<ContainerStatusResponse['status']>

const mountOf = (mount: Status['mounts'][number]): Mount => ({
  source: mount.hostPath,
  destination: mount.containerPath,
  mode: '',
  isWritable: !mount.readonly,
  propagation: propagations[mount.propagation] ?? 'unknown',
})

type ImageFacts = Pick<
  ContainerFacts,
  'image' | 'imageId' | 'imageRepository' | 'imageTag' | 'imageDigest'
>

/** `image_ref` is `host/image@sha256:digest`, or the digest alone where the image came from no registry. */
function imageOf(status: Status, info: unknown): ImageFacts {
  const asked = status.image?.image ?? ''
  const ref = status.imageRef
  const at = ref.indexOf('@sha256:')
  const digest = at >= 0 ? ref.slice(at + 1) : ref.startsWith('sha256:') ? ref : ''
  const common = { imageId: imageIdOf(status, info), imageDigest: digest }
  if (at >= 0) {
    const image = ref.slice(0, at)
    const { tag } = asked.startsWith('sha256:') ? { tag: '' } : splitImage(asked)
    const { repository } = splitImage(image)
    return {
      ...common,
      image: tag === '' ? image : `${image}:${tag}`,
      imageRepository: repository,
      imageTag: tag,
    }
  }
  const image = asked === '' || asked.startsWith('sha256:') ? annotatedImage(info, asked) : asked
  const { repository, tag } = splitImage(image)
  return { ...common, image, imageRepository: repository, imageTag: tag }
}

/** The kubelet asks for an image by its id; since Kubernetes 1.29 the status has it too, in CRI-O without `sha256:`. */
function imageIdOf(status: Status, info: unknown): string {
  const places = [textWithin(info, 'config', 'image', 'image'), status.imageId, status.imageRef]
  const found = places.map((text) => /^(?:sha256:)?([0-9a-f]{64})$/.exec(text)?.[1])
  return found.find((digest) => digest !== undefined) ?? ''
}

/** An image that is run by its id: the name that it was asked for by stands in the annotations. */
function annotatedImage(info: unknown, asked: string): string {
  const names = [
    'io.kubernetes.cri.image-name',
    'io.kubernetes.cri-o.Image',
    'io.kubernetes.cri-o.ImageName',
  ]
  const found = names.map((name) => textWithin(info, 'runtimeSpec', 'annotations', name))
  return found.find((text) => text !== '') ?? asked
}
