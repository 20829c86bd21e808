/** The containers of a pod, of every kind, and how far each has got. */
import { z } from 'zod'
import type { Alert } from '../../contract/alert.ts'
import { ActionRefused } from '../actions/errors.ts'
import type { KubernetesObject } from './kubernetes.ts'
import { podName } from './pods.ts'

export interface PodContainer {
  readonly name: string
  readonly isRunning: boolean
  /** It ended at least once, so that there are logs of an earlier one. */
  readonly wasRestarted: boolean
}

const named = z.array(z.looseObject({ name: z.string() })).default([])
const statuses = z
  .array(
    z.looseObject({
      name: z.string(),
      restartCount: z.int().default(0),
      state: z.looseObject({ running: z.unknown().optional() }).default({}),
    }),
  )
  .default([])
const podSchema = z.looseObject({
  spec: z.looseObject({ initContainers: named, containers: named, ephemeralContainers: named }),
  status: z
    .looseObject({
      initContainerStatuses: statuses,
      containerStatuses: statuses,
      ephemeralContainerStatuses: statuses,
    })
    .prefault({}),
})

/** In the order in which they begin. */
export function containersOf(pod: KubernetesObject): readonly PodContainer[] {
  const { spec, status } = podSchema.parse(pod)
  const known = [
    ...status.initContainerStatuses,
    ...status.containerStatuses,
    ...status.ephemeralContainerStatuses,
  ]
  return [...spec.initContainers, ...spec.containers, ...spec.ephemeralContainers].map(
    ({ name }) => {
      const found = known.find((one) => one.name === name)
      const isRunning = found?.state.running !== undefined
      return { name, isRunning, wasRestarted: (found?.restartCount ?? 0) > 0 }
    },
  )
}

/** For actions in one container: what is `wanted` of `runningContainer`. */
export const containerSchema = z
  .string()
  .max(63)
  .nullable()
  .default(null)
  .describe("name of a container of the pod; null: the alert's")

/** `wanted` null: the alert's own, else the first that is no init container. Throws ActionRefused where it does not run. */
export function runningContainer(
  pod: KubernetesObject,
  { place }: Alert,
  wanted: string | null,
): string {
  const { spec } = podSchema.parse(pod)
  const name = wanted ?? place?.container?.name ?? spec.containers[0]?.name
  const found = containersOf(pod).find((one) => one.name === name)
  if (found === undefined) throw new ActionRefused(`${podName(pod)} has no container ${name}`)
  if (!found.isRunning)
    throw new ActionRefused(`container ${found.name} of ${podName(pod)} does not run`)
  return found.name
}
