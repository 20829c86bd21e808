/** Who made a pod, without asking for any other object: from its references and from how controllers name things. */
import { z } from 'zod'
import { cronJobOf, type Owner } from '../../../contract/kubernetes.ts'

export const ownerReferenceSchema = z.object({
  apiVersion: z.string(),
  kind: z.string(),
  name: z.string(),
  uid: z.string(),
  controller: z.boolean().nullish(),
})
type OwnerReference = z.infer<typeof ownerReferenceSchema>

/**
 * Nearest first. A Deployment calls its ReplicaSet by its own name and the pod-template-hash, a CronJob its Job by the
 * minute that it was due: both are known by name, not by UID.
 */
export function ownersOf(
  references: readonly OwnerReference[],
  labels: Readonly<Record<string, string>>,
  createdMs: number,
): Owner[] {
  const controller = references.find((reference) => reference.controller === true)
  if (controller === undefined) return []
  const { apiVersion, kind, name, uid } = controller
  const above = aboveReplicaSet(controller, labels) ?? aboveJob(controller, createdMs) ?? []
  return [{ apiVersion, kind, name, uid }, ...above]
}

function aboveReplicaSet(
  { apiVersion, kind, name }: OwnerReference,
  labels: Readonly<Record<string, string>>,
): Owner[] | undefined {
  const hash = labels['pod-template-hash']
  if (kind !== 'ReplicaSet' || !apiVersion.startsWith('apps/')) return undefined
  if (hash === undefined || hash === '' || !name.endsWith(`-${hash}`)) return undefined
  const deployment = name.slice(0, -hash.length - 1)
  if (deployment === '') return undefined
  return [{ apiVersion, kind: 'Deployment', name: deployment, uid: null }]
}

function aboveJob({ apiVersion, kind, name }: OwnerReference, createdMs: number) {
  const cronJob =
    kind === 'Job' && apiVersion === 'batch/v1' ? cronJobOf(name, createdMs) : undefined
  return cronJob === undefined
    ? undefined
    : [{ apiVersion, kind: 'CronJob', name: cronJob, uid: null }]
}
