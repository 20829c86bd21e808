/** What actions read of a pod. */
import { z } from 'zod'
import type { Kubernetes, KubernetesObject } from './kubernetes.ts'
import { nameOf } from './objects.ts'

const podPartsSchema = z.looseObject({
  spec: z
    .looseObject({
      nodeName: z.string().nullable().default(null),
      hostNetwork: z.boolean().default(false),
      containers: z
        .array(
          z.looseObject({
            name: z.string(),
            ports: z
              .array(
                z.looseObject({ containerPort: z.number(), protocol: z.string().default('TCP') }),
              )
              .default([]),
          }),
        )
        .default([]),
      tolerations: z
        .array(
          z.looseObject({
            key: z.string().optional(),
            operator: z.string().default('Equal'),
            value: z.string().default(''),
            effect: z.string().optional(),
          }),
        )
        .default([]),
      volumes: z.array(z.looseObject({ emptyDir: z.unknown().optional() })).default([]),
    })
    .prefault({}),
  status: z
    .looseObject({
      phase: z.string().default(''),
      podIP: z.string().nullable().default(null),
      podIPs: z.array(z.looseObject({ ip: z.string() })).default([]),
    })
    .prefault({}),
})
export type PodParts = z.infer<typeof podPartsSchema>

export const partsOfPod = (pod: KubernetesObject): PodParts => podPartsSchema.parse(pod)

/** The API server's picture of a static pod: deleting it leaves the pod running. */
export const isMirror = ({ metadata }: KubernetesObject): boolean =>
  metadata.annotations?.['kubernetes.io/config.mirror'] !== undefined

export const isEnding = ({ metadata }: KubernetesObject): boolean =>
  metadata.deletionTimestamp !== undefined

export const controllerOf = ({ metadata }: KubernetesObject) =>
  metadata.ownerReferences?.find(({ controller }) => controller === true)

/** For a plan: what happens when the pod is gone. */
export function successorOf(pod: KubernetesObject): string {
  const controller = controllerOf(pod)
  if (controller === undefined) return 'nothing makes another'
  return `${nameOf({ kind: controller.kind, name: controller.name })} makes another`
}

/** Every address of every pod with these labels. */
export async function addressesOfPods(
  kubernetes: Pick<Kubernetes, 'list'>,
  namespace: string,
  labels: Readonly<Record<string, string>>,
): Promise<readonly string[]> {
  const of = { apiVersion: 'v1', kind: 'Pod', namespace }
  const pods = await kubernetes.list(of, { labels: selectorOf(labels), mayLag: true })
  return pods.flatMap((pod) => partsOfPod(pod).status.podIPs.map(({ ip }) => ip))
}

/** As queries take it: `a=b,c=d`. */
export const selectorOf = (labels: Readonly<Record<string, string>>): string =>
  Object.entries(labels)
    .map(([key, value]) => `${key}=${value}`)
    .join(',')

export const podName = ({ metadata }: KubernetesObject): string =>
  nameOf({ ...metadata, kind: 'Pod' })
