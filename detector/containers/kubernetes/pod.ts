/** A pod as the API server tells it, cut down to what alerts carry and fields read. */
import { z } from 'zod'
import type { Pod } from '../../../contract/kubernetes.ts'
import type { Probe } from '../../state/container.ts'
import { boundedNames } from '../bounded-names.ts'
import { ownersOf, ownerReferenceSchema } from './owners.ts'

const names = z
  .record(z.string(), z.string())
  .nullish()
  .transform((value) => value ?? {})

const probeSchema = z
  .object({ exec: z.object({ command: z.array(z.string()).nullish() }).nullish() })
  .nullish()

/** Everything else of it is dropped as it is read. */
export const podObjectSchema = z.object({
  metadata: z.object({
    name: z.string(),
    namespace: z.string(),
    uid: z.string(),
    resourceVersion: z.string().nullish(),
    creationTimestamp: z.string().nullish(),
    labels: names,
    annotations: names,
    ownerReferences: z.array(ownerReferenceSchema).nullish(),
  }),
  spec: z.object({
    serviceAccountName: z.string().nullish(),
    priorityClassName: z.string().nullish(),
    hostNetwork: z.boolean().nullish(),
    containers: z
      .array(
        z.object({ name: z.string(), livenessProbe: probeSchema, readinessProbe: probeSchema }),
      )
      .nullish(),
  }),
})
export type PodObject = z.infer<typeof podObjectSchema>

export interface KnownPod {
  readonly pod: Pod
  /** What the kubelet calls a static pod's mirror: the hash of its file. Its UID is the API server's own. */
  readonly configHash: string | undefined
  /** By container. */
  readonly probes: ReadonlyMap<string, readonly Probe[]>
}

export function podFrom({ metadata, spec }: PodObject): KnownPod {
  const { uid, namespace, name, annotations, creationTimestamp } = metadata
  return {
    pod: {
      uid,
      namespace,
      name,
      serviceAccount: spec.serviceAccountName ?? '',
      priorityClass: spec.priorityClassName ?? null,
      isHostNetwork: spec.hostNetwork ?? false,
      ...boundedNames(metadata),
      owners: ownersOf(
        metadata.ownerReferences ?? [],
        metadata.labels,
        Date.parse(creationTimestamp ?? ''),
      ),
    },
    configHash: annotations['kubernetes.io/config.mirror'],
    probes: new Map(
      (spec.containers ?? []).map((container) => [
        container.name,
        [
          ...probe('liveness', container.livenessProbe),
          ...probe('readiness', container.readinessProbe),
        ],
      ]),
    ),
  }
}

function probe(kind: Probe['kind'], of: z.infer<typeof probeSchema>): Probe[] {
  const command = of?.exec?.command
  return command ? [{ kind, command }] : []
}
