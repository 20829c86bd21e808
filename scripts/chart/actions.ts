/** What the chart has to know of actions: files/actions.json, printed from their records. */
import type { Action } from '../../responder/actions/action.ts'
import type { Right } from '../../responder/kubernetes/kubernetes.ts'

/** Resources that live in no namespace: a Role cannot grant them, whatever namespaces the values name. */
const clusterWide = new Set([
  'namespaces',
  'nodes',
  'persistentvolumes',
  'clusterroles',
  'clusterrolebindings',
  'customresourcedefinitions',
  'mutatingwebhookconfigurations',
  'validatingwebhookconfigurations',
  'globalnetworkpolicies',
  'ciliumclusterwidenetworkpolicies',
])

/** One rule a resource, as a Role writes it: what the responder itself does with the API. */
export function printOwnRights(rights: readonly Omit<Right, 'namespace'>[]): string {
  const rules = new Map<string, { apiGroups: string[]; resources: string[]; verbs: string[] }>()
  for (const { verb, apiGroup, resource } of rights) {
    const key = `${apiGroup}/${resource}`
    const rule = rules.get(key) ?? { apiGroups: [apiGroup], resources: [resource], verbs: [] }
    rule.verbs.push(verb)
    rules.set(key, rule)
  }
  return `${JSON.stringify([...rules.values()], undefined, 2)}\n`
}

const isClusterWide = (resource: string): boolean => clusterWide.has(resource.split('/')[0] ?? '')

/** `{ "<name>": { risk, capabilities, cluster: [rule…], namespaced: [rule…] } }`; a rule may be `onlyWith` a variant. */
export function printActions(actions: readonly Action[]): string {
  const entries = actions
    .toSorted((a, b) => (a.name < b.name ? -1 : 1))
    .map(({ name, risk, capabilities, rbac }) => {
      const part = (isWanted: (resource: string) => boolean) =>
        rbac.flatMap(({ resources, ...rule }) => {
          const some = resources.filter(isWanted)
          return some.length === 0 ? [] : [{ ...rule, resources: some }]
        })
      const namespaced = part((resource) => !isClusterWide(resource))
      return [name, { risk, capabilities, cluster: part(isClusterWide), namespaced }]
    })
  return `${JSON.stringify(Object.fromEntries(entries), undefined, 2)}\n`
}
