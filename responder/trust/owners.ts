/** Which of the owners that a node names a pod really has: a workload is reached through this chain alone. */
import { cronJobOf, type Owner } from '../../contract/kubernetes.ts'

/** From the label that the Deployment's controller puts on its pods, and that is the end of the ReplicaSet's name. */
const templateHash = 'pod-template-hash'

interface Owned {
  readonly controller: Owner | null
  readonly labels: Readonly<Record<string, string>>
  /** When the pod was made. */
  readonly createdMs: number
}

/**
 * The pod's controller as the API server names it, and what that belongs to as far as its name proves it: the
 * Deployment of a ReplicaSet, the CronJob of a Job. A node's word for anything further is left out.
 */
export function provenOwners(named: readonly Owner[], owned: Owned): Owner[] {
  const { controller } = owned
  if (controller === null) return []
  const next = named[1]
  const name = next === undefined ? undefined : aboveOf(controller, owned)?.(next)
  return next === undefined || name !== true
    ? [controller]
    : [controller, { apiVersion: next.apiVersion, kind: next.kind, name: next.name, uid: null }]
}

type Check = (owner: Owner) => boolean

function aboveOf({ kind, name }: Owner, { labels, createdMs }: Owned): Check | undefined {
  const hash = labels[templateHash]
  if (kind === 'ReplicaSet' && hash !== undefined && name.endsWith(`-${hash}`))
    return is('apps/v1', 'Deployment', name.slice(0, -hash.length - 1))
  const cronJob = kind === 'Job' ? cronJobOf(name, createdMs) : undefined
  return cronJob === undefined ? undefined : is('batch/v1', 'CronJob', cronJob)
}

const is =
  (apiVersion: string, kind: string, name: string): Check =>
  (owner) =>
    owner.apiVersion === apiVersion && owner.kind === kind && owner.name === name
