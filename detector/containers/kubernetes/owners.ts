/** Who made a pod, without asking for any other object: from its references and from how controllers name things. */
import { z } from 'zod'
import type { Owner } from '../../../contract/kubernetes.ts'

export const ownerReferenceSchema = z.object({
  apiVersion: z.string(),
  kind: z.string(),
  name: z.string(),
  uid: z.string(),
  controller: z.boolean().nullish(),
})
type OwnerReference = z.infer<typeof ownerReferenceSchema>

/**
 * Nearest first. A Deployment calls its ReplicaSet by its own name and the pod-template-hash, so that one is known
 * by name, not by UID. A Job says nothing that tells a CronJob's from one that a person named alike: there it ends.
 */
export function ownersOf(
  references: readonly OwnerReference[],
  labels: Readonly<Record<string, string>>,
): Owner[] {
  const controller = references.find((reference) => reference.controller === true)
  if (controller === undefined) return []
  const { apiVersion, kind, name, uid } = controller
  const above = aboveReplicaSet(controller, labels) ?? []
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
