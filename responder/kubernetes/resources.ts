/** Kind → the plural that URLs and RBAC name. Known kinds stand in the table; the rest is asked once. */
import { z } from 'zod'
import { ActionRefused } from '../actions/errors.ts'

export interface Resource {
  readonly plural: string
  readonly isNamespaced: boolean
}

const namespaced = (plural: string): Resource => ({ plural, isNamespaced: true })
const global = (plural: string): Resource => ({ plural, isNamespaced: false })

const known: Readonly<Record<string, Readonly<Record<string, Resource>>>> = {
  v1: {
    ConfigMap: namespaced('configmaps'),
    Namespace: global('namespaces'),
    Node: global('nodes'),
    PersistentVolumeClaim: namespaced('persistentvolumeclaims'),
    Pod: namespaced('pods'),
    ReplicationController: namespaced('replicationcontrollers'),
    Secret: namespaced('secrets'),
    Service: namespaced('services'),
    ServiceAccount: namespaced('serviceaccounts'),
  },
  'apps/v1': {
    ControllerRevision: namespaced('controllerrevisions'),
    DaemonSet: namespaced('daemonsets'),
    Deployment: namespaced('deployments'),
    ReplicaSet: namespaced('replicasets'),
    StatefulSet: namespaced('statefulsets'),
  },
  'autoscaling/v2': { HorizontalPodAutoscaler: namespaced('horizontalpodautoscalers') },
  'batch/v1': { CronJob: namespaced('cronjobs'), Job: namespaced('jobs') },
  'events.k8s.io/v1': { Event: namespaced('events') },
  'networking.k8s.io/v1': {
    Ingress: namespaced('ingresses'),
    NetworkPolicy: namespaced('networkpolicies'),
  },
  'policy/v1': { PodDisruptionBudget: namespaced('poddisruptionbudgets') },
  'rbac.authorization.k8s.io/v1': {
    ClusterRole: global('clusterroles'),
    ClusterRoleBinding: global('clusterrolebindings'),
    Role: namespaced('roles'),
    RoleBinding: namespaced('rolebindings'),
  },
}

/** The kind of a known resource, for objects that are named by resource (audit events); undefined for others. */
export function kindOfResource(apiVersion: string, plural: string): string | undefined {
  const entry = Object.entries(known[apiVersion] ?? {}).find(
    ([, resource]) => resource.plural === plural,
  )
  return entry?.[0]
}

/** `''` for the core group. */
export const groupOf = (apiVersion: string): string =>
  apiVersion.includes('/') ? apiVersion.slice(0, apiVersion.indexOf('/')) : ''

export const rootOf = (apiVersion: string): string =>
  apiVersion.includes('/') ? `/apis/${apiVersion}` : `/api/${apiVersion}`

const discoverySchema = z.looseObject({
  resources: z.array(
    z.looseObject({ name: z.string(), kind: z.string(), namespaced: z.boolean() }),
  ),
})

/** A CRD may come or go: what was found, or not, is asked again after this. */
const freshMs = 60_000

export class Resources {
  readonly #found = new Map<string, { atMs: number; kinds: Promise<Map<string, Resource>> }>()
  readonly #nowMs: () => number

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs
  }

  /** `ask` answers the discovery document, null where the group is not served. */
  async of(apiVersion: string, kind: string, ask: () => Promise<unknown>): Promise<Resource> {
    const resource = known[apiVersion]?.[kind] ?? (await this.#kinds(apiVersion, ask)).get(kind)
    if (resource !== undefined) return resource
    // It may have been made since.
    this.#found.delete(apiVersion)
    const fresh = (await this.#kinds(apiVersion, ask)).get(kind)
    if (fresh !== undefined) return fresh
    throw new ActionRefused(`the API server does not serve ${apiVersion} ${kind}`)
  }

  async serves(apiVersion: string, kind: string, ask: () => Promise<unknown>): Promise<boolean> {
    return (await this.#kinds(apiVersion, ask)).has(kind)
  }

  #kinds(apiVersion: string, ask: () => Promise<unknown>): Promise<Map<string, Resource>> {
    const held = this.#found.get(apiVersion)
    if (held !== undefined && this.#nowMs() - held.atMs < freshMs) return held.kinds
    const kinds = ask().then(kindsOf)
    this.#found.set(apiVersion, { atMs: this.#nowMs(), kinds })
    kinds.catch(() => this.#found.delete(apiVersion))
    return kinds
  }
}

function kindsOf(document: unknown): Map<string, Resource> {
  if (document === null) return new Map()
  const { resources } = discoverySchema.parse(document)
  return new Map(
    resources
      .filter(({ name }) => !name.includes('/'))
      .map(({ name, kind, namespaced: isNamespaced }) => [kind, { plural: name, isNamespaced }]),
  )
}
