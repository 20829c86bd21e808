/** Which bindings give a service account its rights, and the same bindings without it. */
import { isDeepStrictEqual } from 'node:util'
import { z } from 'zod'
import { changeTo, type Change } from './changes.ts'
import type { Kubernetes, KubernetesObject } from './kubernetes.ts'
import { nameOf, referenceTo } from './objects.ts'

export interface ServiceAccount {
  readonly namespace: string
  readonly name: string
}

export interface Bindings {
  /** Exactly this account's subjects taken away, the others left in their order. */
  readonly changes: readonly Change[]
  /** Bindings that give it rights as a member of a group, which are others' rights as well. */
  readonly byGroup: readonly string[]
}

const apiVersion = 'rbac.authorization.k8s.io/v1'
const subjectSchema = z.looseObject({
  kind: z.string(),
  name: z.string(),
  namespace: z.string().optional(),
})
type Subject = z.infer<typeof subjectSchema>
const bindingSchema = z.looseObject({ subjects: z.array(subjectSchema).nullish() })

/** Role bindings of every namespace: a right elsewhere is a right too. */
export async function bindingsOf(
  kubernetes: Pick<Kubernetes, 'list'>,
  account: ServiceAccount,
): Promise<Bindings> {
  const found = [
    ...(await kubernetes.list({ apiVersion, kind: 'RoleBinding', namespace: null })),
    ...(await kubernetes.list({ apiVersion, kind: 'ClusterRoleBinding', namespace: null })),
  ]
  const changes = found.flatMap((binding) => {
    const subjects = subjectsOf(binding)
    const others = subjects.filter((subject) => !names(subject, account))
    if (isDeepStrictEqual(others, subjects)) return []
    // The API server keeps no empty list.
    const left = others.length === 0 ? null : others
    return [changeTo(binding, referenceTo(binding), { '/subjects': left })]
  })
  const groups = [
    `system:serviceaccounts:${account.namespace}`,
    'system:serviceaccounts',
    'system:authenticated',
  ]
  const byGroup = found.filter((binding) =>
    subjectsOf(binding).some(({ kind, name }) => kind === 'Group' && groups.includes(name)),
  )
  return { changes, byGroup: byGroup.map(({ kind, metadata }) => nameOf({ ...metadata, kind })) }
}

const subjectsOf = (binding: KubernetesObject): readonly Subject[] =>
  bindingSchema.parse(binding).subjects ?? []

/** By its kind, or as the user that the API server takes it for. */
const names = ({ kind, name, namespace }: Subject, account: ServiceAccount): boolean =>
  kind === 'ServiceAccount'
    ? name === account.name && namespace === account.namespace
    : kind === 'User' && name === `system:serviceaccount:${account.namespace}:${account.name}`
