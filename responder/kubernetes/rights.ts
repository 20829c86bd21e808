/** What this responder may do, asked of the API server; and what its enabled actions need. */
import { z } from 'zod'
import type { Action, Effect } from '../actions/action.ts'
import { variants, type VariantName } from '../actions/variants.ts'
import type { Kubernetes, Right } from './kubernetes.ts'

export const canSchema = z.looseObject({ status: z.looseObject({ allowed: z.boolean() }) })

export const rightBody = ({ verb, apiGroup, resource, namespace }: Right) => {
  const [plural = '', subresource] = resource.split('/')
  return {
    apiVersion: 'authorization.k8s.io/v1',
    kind: 'SelfSubjectAccessReview',
    spec: {
      resourceAttributes: {
        verb,
        group: apiGroup,
        resource: plural,
        ...(subresource === undefined ? {} : { subresource }),
        ...(namespace === null ? {} : { namespace }),
      },
    },
  }
}

/** Every single right of the records. */
const rightsOf = (rbac: Action['rbac']): Omit<Right, 'namespace'>[] =>
  rbac.flatMap(({ apiGroups, resources, verbs }) =>
    apiGroups.flatMap((apiGroup) =>
      resources.flatMap((resource) => verbs.map((verb) => ({ verb, apiGroup, resource }))),
    ),
  )

/** An action, and the parameters that policies ask it with. */
export interface Wanted extends Pick<Action, 'name' | 'rbac'> {
  readonly asked: readonly Effect[]
}

/** Null: what it needs in any case. */
async function variantsOf(
  kubernetes: Pick<Kubernetes, 'serves'>,
  { rbac, asked }: Wanted,
): Promise<readonly (VariantName | null)[]> {
  const found: (VariantName | null)[] = [null]
  for (const { onlyWith } of rbac) {
    if (onlyWith === undefined || found.includes(onlyWith)) continue
    const { isAsked } = variants[onlyWith]
    for (const parameters of asked)
      if (!found.includes(onlyWith) && (await isAsked(parameters, kubernetes))) found.push(onlyWith)
  }
  return found
}

/** One sentence for each action, or variant of it, that lacks rights; `namespaces` [null]: everywhere. */
export async function missingRights(
  kubernetes: Pick<Kubernetes, 'can' | 'serves'>,
  actions: readonly Wanted[],
  namespaces: readonly (string | null)[],
): Promise<readonly string[]> {
  const asked = new Map<string, Promise<boolean>>()
  const ask = (right: Right) => {
    const key = JSON.stringify(right)
    const answer = asked.get(key) ?? kubernetes.can(right)
    asked.set(key, answer)
    return answer
  }
  const sentences: string[] = []
  const lacks = async (rbac: Action['rbac']) => {
    const missing: string[] = []
    for (const right of rightsOf(rbac))
      for (const namespace of namespaces)
        if (!(await ask({ ...right, namespace })))
          missing.push(nameOfRight({ ...right, namespace }))
    return missing
  }
  for (const action of actions)
    for (const variant of await variantsOf(kubernetes, action)) {
      const missing = await lacks(action.rbac.filter(({ onlyWith = null }) => onlyWith === variant))
      const what = variant === null ? '' : ` with ${variants[variant].when}`
      if (missing.length > 0)
        sentences.push(`${action.name}${what} will fail: no right to ${missing.join(', ')}`)
    }
  return sentences
}

const nameOfRight = ({ verb, apiGroup, resource, namespace }: Right): string => {
  const what = apiGroup === '' ? resource : `${resource}.${apiGroup}`
  return `${verb} ${what}${namespace === null ? '' : ` in ${namespace}`}`
}

const rulesSchema = z.looseObject({
  status: z.looseObject({
    resourceRules: z.array(
      z.looseObject({
        verbs: z.array(z.string()),
        apiGroups: z.array(z.string()).default([]),
        resources: z.array(z.string()).default([]),
        resourceNames: z.array(z.string()).default([]),
      }),
    ),
  }),
})

/** What everybody who is authenticated may ask about himself. */
const everybodys = /^selfsubject(access|rules)?reviews$/

/**
 * Rights that no enabled action needs, one sentence at most: a stolen token could use them. `own` are those of the
 * responder itself; a right on named objects only is taken for one of those.
 */
export async function rightsBeyond(
  kubernetes: Pick<Kubernetes, 'request'>,
  actions: readonly Pick<Action, 'rbac'>[],
  own: readonly Omit<Right, 'namespace'>[],
  namespace: string,
): Promise<readonly string[]> {
  const needed = new Set(
    [...actions.flatMap(({ rbac }) => rightsOf(rbac)), ...own].map((right) =>
      nameOfRight({ ...right, namespace: null }),
    ),
  )
  const body = {
    apiVersion: 'authorization.k8s.io/v1',
    kind: 'SelfSubjectRulesReview',
    spec: { namespace },
  }
  const path = '/apis/authorization.k8s.io/v1/selfsubjectrulesreviews'
  const { status } = rulesSchema.parse(await kubernetes.request('POST', path, body))
  const beyond = status.resourceRules
    .filter(({ resourceNames }) => resourceNames.length === 0)
    .flatMap(({ verbs, apiGroups, resources }) =>
      apiGroups.flatMap((apiGroup) =>
        resources
          .filter((resource) => !everybodys.test(resource))
          .flatMap((resource) =>
            verbs.map((verb) => nameOfRight({ verb, apiGroup, resource, namespace: null })),
          ),
      ),
    )
    .filter((right) => !needed.has(right))
  const shown = [...new Set(beyond)].toSorted()
  if (shown.length === 0) return []
  const more = shown.length > maxShown ? ` and ${shown.length - maxShown} more` : ''
  return [`more rights than the actions need: ${shown.slice(0, maxShown).join(', ')}${more}`]
}
const maxShown = 12
