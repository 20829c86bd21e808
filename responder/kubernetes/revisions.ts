/** Former templates of a workload, as its controller keeps them: ReplicaSets of a Deployment, ControllerRevisions of the others. */
import { isDeepStrictEqual } from 'node:util'
import { z } from 'zod'
import type { Kubernetes, KubernetesObject, ObjectReference } from './kubernetes.ts'
import { referenceTo } from './objects.ts'

export interface Revision {
  readonly number: number
  /** Of what keeps it; its UID names the template over renumbering. */
  readonly reference: ObjectReference
  readonly template: Template
}

const templateSchema = z.looseObject({
  metadata: z.looseObject({ labels: z.record(z.string(), z.string()).optional() }).prefault({}),
})
type Template = z.infer<typeof templateSchema>

const workloadSchema = z.looseObject({
  spec: z.looseObject({
    selector: z.looseObject({
      matchLabels: z.record(z.string(), z.string()).default({}),
      matchExpressions: z
        .array(
          z.looseObject({
            key: z.string(),
            operator: z.string(),
            values: z.array(z.string()).default([]),
          }),
        )
        .default([]),
    }),
    template: templateSchema,
  }),
})

export const templateOf = (workload: KubernetesObject): Template =>
  workloadSchema.parse(workload).spec.template

const keeperOf = (workload: KubernetesObject) =>
  workload.kind === 'Deployment' ? 'ReplicaSet' : 'ControllerRevision'

/** Newest first. */
export async function revisionsOf(
  kubernetes: Pick<Kubernetes, 'list'>,
  workload: KubernetesObject,
): Promise<readonly Revision[]> {
  const namespace = workload.metadata.namespace ?? null
  const of = { apiVersion: 'apps/v1', kind: keeperOf(workload), namespace }
  const found = await kubernetes.list(of, { labels: selectorOf(workload) })
  return found
    .filter(({ metadata }) =>
      metadata.ownerReferences?.some(({ uid }) => uid === workload.metadata.uid),
    )
    .map(revisionOf)
    .toSorted((one, other) => other.number - one.number)
}

/** The one whose template the workload has now; undefined while its controller has not recorded it. */
export const currentOf = (
  workload: KubernetesObject,
  revisions: readonly Revision[],
): Revision | undefined =>
  revisions.find(({ template }) => isDeepStrictEqual(template, templateOf(workload)))

const setSchema = z.looseObject({ spec: z.looseObject({ template: templateSchema }) })
const dataSchema = z.looseObject({ revision: z.int(), data: setSchema })

export function revisionOf(keeper: KubernetesObject): Revision {
  const reference = referenceTo(keeper)
  if (keeper.kind === 'ReplicaSet') {
    const number = Number(keeper.metadata.annotations?.['deployment.kubernetes.io/revision'] ?? 0)
    const { template } = setSchema.parse(keeper).spec
    return { number, reference, template: withoutHash(template) }
  }
  const { revision, data } = dataSchema.parse(keeper)
  // A strategic merge patch says with $patch that the template replaces the whole.
  const { $patch: _replace, ...template } = data.spec.template
  return { number: revision, reference, template: templateSchema.parse(template) }
}

/** What the Deployment's controller adds. */
function withoutHash(template: Template): Template {
  const { 'pod-template-hash': _hash, ...labels } = template.metadata.labels ?? {}
  return { ...template, metadata: { ...template.metadata, labels } }
}

function selectorOf(workload: KubernetesObject): string {
  const { matchLabels, matchExpressions } = workloadSchema.parse(workload).spec.selector
  return [
    ...Object.entries(matchLabels).map(([key, value]) => `${key}=${value}`),
    ...matchExpressions.map(
      ({ key, operator, values }) => expressions[operator]?.(key, values) ?? key,
    ),
  ].join(',')
}
const expressions: Readonly<Record<string, (key: string, values: readonly string[]) => string>> = {
  In: (key, values) => `${key} in (${values.join(',')})`,
  NotIn: (key, values) => `${key} notin (${values.join(',')})`,
  Exists: (key) => key,
  DoesNotExist: (key) => `!${key}`,
}
