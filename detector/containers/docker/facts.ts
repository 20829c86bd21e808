/** From Docker's inspection of a container and its image to what identity knows; podman answers in the same form. */
import { z } from 'zod'
import type { ContainerFacts, Probe } from '../../state/container.ts'
import { boundedNames } from '../bounded-names.ts'
import { splitImage } from '../../../contract/image-name.ts'

const text = z
  .string()
  .nullish()
  .transform((value) => value ?? '')
const texts = z
  .array(z.string())
  .nullish()
  .transform((value) => value ?? [])

/** Only what is read; the engines send much more, and different things by version. */
export const inspectionSchema = z.object({
  Id: z.string(),
  Name: text,
  /** Id of the image. */
  Image: text,
  Config: z
    .object({
      Image: text,
      Labels: z.record(z.string(), z.string()).nullish(),
      Healthcheck: z.object({ Test: texts }).nullish(),
    })
    .nullish(),
  HostConfig: z
    .object({ Privileged: z.boolean().nullish(), PidMode: text, NetworkMode: text, IpcMode: text })
    .nullish(),
  Mounts: z
    .array(
      z.object({ Source: text, Destination: text, Mode: text, RW: z.boolean(), Propagation: text }),
    )
    .nullish(),
  NetworkSettings: z.object({ IPAddress: text }).nullish(),
})
export type Inspection = z.infer<typeof inspectionSchema>

export const imageSchema = z.object({ Id: text, RepoTags: texts, RepoDigests: texts })
export type ImageInspection = z.infer<typeof imageSchema>

export function dockerFacts(
  found: Inspection,
  image: ImageInspection | undefined,
  runtime: string,
): ContainerFacts {
  const { Config: config, HostConfig: host } = found
  return {
    ...imageOf(config?.Image ?? '', image),
    id: found.Id,
    name: found.Name.replace(/^\//, ''),
    runtime,
    imageId: (image?.Id || found.Image).replace(/^sha256:/, ''),
    isPrivileged: host?.Privileged ?? false,
    isHostPid: host?.PidMode === 'host',
    isHostNetwork: host?.NetworkMode === 'host',
    isHostIpc: host?.IpcMode === 'host',
    mounts: (found.Mounts ?? []).map((mount) => ({
      source: mount.Source,
      destination: mount.Destination,
      mode: mount.Mode,
      isWritable: mount.RW,
      propagation: mount.Propagation,
    })),
    labels: boundedNames({ labels: config?.Labels ?? {}, annotations: {} }).labels,
    probes: healthCheck(config?.Healthcheck?.Test ?? []),
    ip: found.NetworkSettings?.IPAddress ?? '',
    cniResult: '',
    sandboxId: '',
    isSandbox: false,
    pod: undefined,
  }
}

/** The name of a digest or a tag of the image, the first that there is; the digest that belongs to that name. */
function imageOf(asked: string, image: ImageInspection | undefined) {
  const digests = (image?.RepoDigests ?? []).flatMap((entry) => {
    const [repository, digest] = entry.split('@', 2)
    return repository && digest ? [{ repository, digest }] : []
  })
  const tags = (image?.RepoTags ?? []).map(splitImage).filter(({ tag }) => tag !== '')
  const asSplit = splitImage(asked)
  const isNamed = asked !== '' && !/^(?:sha256:)?[0-9a-f]{64}$/.test(asked)
  const repository =
    digests[0]?.repository ?? tags[0]?.repository ?? (isNamed ? asSplit.repository : '')
  const tag = tags.find((entry) => entry.repository === repository)?.tag
  return {
    image: asked,
    imageRepository: repository,
    imageTag: tag ?? (isNamed ? asSplit.tag : ''),
    imageDigest: digests.find((entry) => entry.repository === repository)?.digest ?? '',
  }
}

/** `CMD` argv, or `CMD-SHELL` one line for the container's shell; `NONE` takes back the image's. */
function healthCheck([kind, ...rest]: readonly string[]): Probe[] {
  if (kind === 'CMD' && rest.length > 0) return [{ kind: 'health', command: rest }]
  if (kind !== 'CMD-SHELL') return []
  return [{ kind: 'health', command: ['/bin/sh', '-c', ...rest] }]
}
