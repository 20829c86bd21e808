/** Takes a pod out of what selects it, by renaming the labels that are selected by; they stay readable under a prefix. */
import { z } from 'zod'
import type { Kubernetes, KubernetesObject } from '../kubernetes/kubernetes.ts'
import type { Entries } from '../kubernetes/map-patch.ts'
import { nameOf } from '../kubernetes/objects.ts'
import { linkAbove } from '../kubernetes/references.ts'
import { controllerOf } from '../kubernetes/pods.ts'
import { selects } from '../../contract/protected-pods.ts'
import { labelSelectorSchema } from '../policy/workloads.ts'
import type { PolicyBeside } from './beside.ts'

export interface OutOfService {
  /** Labels to write; null takes one away. */
  readonly entries: Entries
  /** Sentence parts about what follows. */
  readonly consequences: readonly string[]
}

const serviceSchema = z.looseObject({
  spec: z.looseObject({ selector: z.record(z.string(), z.string()).default({}) }).prefault({}),
})
const controllerSchema = z.looseObject({
  spec: z.looseObject({ selector: labelSelectorSchema.optional() }),
})

export async function outOfService(
  kubernetes: Kubernetes,
  pod: KubernetesObject,
  allowed: readonly PolicyBeside[],
): Promise<OutOfService> {
  const { namespace = null, labels = {} } = pod.metadata
  const of = { apiVersion: 'v1', kind: 'Service', namespace }
  const [services, controller] = await Promise.all([
    kubernetes.list(of),
    linkAbove(kubernetes, pod),
  ])
  const selecting = services
    .map((service) => ({ service, selector: serviceSchema.parse(service).spec.selector }))
    .filter(({ selector }) => Object.keys(selector).length > 0 && matches(selector, labels))
  const controlling = controller?.object && controllerSchema.parse(controller.object).spec.selector
  const keys = new Set([
    ...selecting.flatMap(({ selector }) => Object.keys(selector)),
    ...(controlling ? keysOf(controlling) : []),
    ...allowed.flatMap(({ selector }) => keysOf(selector)),
  ])
  const renamed = [...keys].filter((key) => labels[key] !== undefined)
  const names = selecting.map(({ service }) => nameOf({ ...service.metadata, kind: 'service' }))
  return {
    entries: Object.fromEntries(
      renamed.flatMap((key) => [
        [key, null],
        [awayKey(key), labels[key] ?? ''],
      ]),
    ),
    consequences: [
      ...(names.length === 0 ? [] : [`out of ${names.join(', ')}`]),
      ...afterwards(pod, controlling !== undefined && controlling !== null),
    ],
  }
}

function afterwards(pod: KubernetesObject, isReleased: boolean): readonly string[] {
  const controller = controllerOf(pod)
  if (controller === undefined) return []
  const name = nameOf({ kind: controller.kind, name: controller.name })
  if (!isReleased) return [`${name} is not known here and may keep it`]
  if (controller.kind === 'StatefulSet')
    return [`${name} cannot make another while this pod has its name`]
  return [`${name} lets go of it and makes another`]
}

const keysOf = ({ matchLabels, matchExpressions }: PolicyBeside['selector']): string[] => [
  ...Object.keys(matchLabels),
  ...matchExpressions.map(({ key }) => key),
]

const matches = (
  selector: Readonly<Record<string, string>>,
  labels: Readonly<Record<string, string>>,
) => selects({ matchLabels: { ...selector }, matchExpressions: [] }, labels)

/** The rights that it needs. */
export const outOfServiceRights = [
  { apiGroups: [''], resources: ['services'], verbs: ['list'] },
  {
    apiGroups: ['apps'],
    resources: ['replicasets', 'statefulsets', 'daemonsets'],
    verbs: ['get'],
  },
  { apiGroups: ['batch'], resources: ['jobs'], verbs: ['get'] },
]

/** `app.kubernetes.io/name` → `app.kubernetes.io/riposte-isolated-name`; at most the 63 that a name may have. */
export function awayKey(key: string): string {
  const slash = key.indexOf('/') + 1
  const name = `riposte-isolated-${key.slice(slash)}`.slice(0, 63)
  return `${key.slice(0, slash)}${name.replace(/[^A-Za-z0-9]+$/, '')}`
}
