import { setTimeout as sleep } from 'node:timers/promises'
import { z } from 'zod'
import type { Kubernetes, KubernetesObject } from '../kubernetes/kubernetes.ts'
import { nameOf, referenceSchema, referenceTo } from '../kubernetes/objects.ts'
import { isEnding } from '../kubernetes/pods.ts'
import { referenceOf } from '../kubernetes/references.ts'
import { refuseYounger } from '../kubernetes/workloads.ts'
import { action } from './action.ts'
import { ActionRefused, TargetGone } from './errors.ts'

/** What runs something, and can be made again from what people keep elsewhere. */
const usual = [
  'Pod',
  'Deployment',
  'ReplicaSet',
  'StatefulSet',
  'DaemonSet',
  'Job',
  'CronJob',
] as const
/** Only where a policy names them. Namespaces, nodes, volumes, definitions and Secrets are in no list. */
const others = [
  'Service',
  'Ingress',
  'NetworkPolicy',
  'ConfigMap',
  'ServiceAccount',
  'Role',
  'RoleBinding',
  'ClusterRole',
  'ClusterRoleBinding',
] as const

const effectSchema = z.object({ reference: referenceSchema })
const verifyMs = 15_000
const stepMs = 250

export const deleteResource = action({
  name: 'delete_resource',
  summary:
    'Deletes the object that an audit alert is about, this very one: by its UID, or as it was there when the event happened.',
  risk: 'destroy',
  target: 'object',
  parameters: z.strictObject({
    kinds: z
      .array(z.enum([...usual, ...others]))
      .min(1)
      .default([...usual])
      .describe('kinds that may be deleted; objects of others are refused'),
  }),
  capabilities: [],
  rbac: [
    { apiGroups: [''], resources: ['pods'], verbs: ['get', 'delete'] },
    {
      apiGroups: ['apps'],
      resources: ['deployments', 'replicasets', 'statefulsets', 'daemonsets'],
      verbs: ['get', 'delete'],
    },
    { apiGroups: ['batch'], resources: ['jobs', 'cronjobs'], verbs: ['get', 'delete'] },
    {
      apiGroups: [''],
      resources: ['services', 'configmaps', 'serviceaccounts'],
      verbs: ['get', 'delete'],
      onlyWith: 'config-kinds',
    },
    {
      apiGroups: ['networking.k8s.io'],
      resources: ['ingresses', 'networkpolicies'],
      verbs: ['get', 'delete'],
      onlyWith: 'network-kinds',
    },
    {
      apiGroups: ['rbac.authorization.k8s.io'],
      resources: ['roles', 'rolebindings', 'clusterroles', 'clusterrolebindings'],
      verbs: ['get', 'delete'],
      onlyWith: 'rbac-kinds',
    },
  ],
  undoes: null,

  async plan({ kubernetes, target, alert, parameters: { kinds } }) {
    const meant = referenceOf(target, alert)
    if (!kinds.some((kind) => kind === meant.kind))
      throw new ActionRefused(`${target.name}: ${meant.kind} is none of ${kinds.join(', ')}`)
    if (meant.namespace !== null && meant.namespace === kubernetes.own.namespace)
      throw new ActionRefused(`${target.name} is in Riposte's own namespace`)
    const object = await kubernetes.get(meant)
    if (meant.uid === null) refuseYounger(object, alert)
    if (isEnding(object))
      return { kind: 'already_done', detail: `${nameOf(meant)} is being deleted` }
    const reference = referenceTo(object)
    await kubernetes.delete(reference, { isDryRun: true })
    const detail = `delete ${nameOf(reference)}${ownersOf(object)}${finalizersOf(object)}`
    return { kind: 'change', detail, effect: { reference } }
  },

  async run({ kubernetes }, given) {
    const effect = effectSchema.parse(given)
    await kubernetes.delete(effect.reference, { propagation: 'Background' })
    return { detail: `deleted ${nameOf(effect.reference)}`, effect }
  },

  async verify({ kubernetes, signal }, given) {
    const { reference } = effectSchema.parse(given)
    for (let left = verifyMs / stepMs; left > 0; left--) {
      if (!(await isThere(kubernetes, reference))) return true
      await sleep(stepMs, undefined, { signal })
    }
    return false
  },
})

async function isThere(
  kubernetes: Kubernetes,
  reference: z.infer<typeof referenceSchema>,
): Promise<boolean> {
  try {
    await kubernetes.get(reference)
    return true
  } catch (error) {
    if (error instanceof TargetGone) return false
    throw error
  }
}

const ownersOf = ({ metadata: { ownerReferences = [] } }: KubernetesObject): string => {
  const owner = ownerReferences.find(({ controller }) => controller === true)
  return owner === undefined ? '' : `; ${nameOf(owner)} may make another`
}

const finalizersSchema = z.array(z.string()).default([])
function finalizersOf({ metadata }: KubernetesObject): string {
  const finalizers = 'finalizers' in metadata ? finalizersSchema.parse(metadata.finalizers) : []
  return finalizers.length === 0 ? '' : `; it stays until ${finalizers.join(', ')} let it go`
}
