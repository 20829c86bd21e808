/** What the chart has to know of actions: files/actions.json, printed from their records. */
import type { Action } from '../../responder/actions/action.ts'

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

const isClusterWide = (resource: string): boolean => clusterWide.has(resource.split('/')[0] ?? '')

/** `{ "<name>": { risk, capabilities, cluster: [rule…], namespaced: [rule…] } }` */
export function printActions(actions: readonly Action[]): string {
  const entries = actions
    .toSorted((a, b) => (a.name < b.name ? -1 : 1))
    .map(({ name, risk, capabilities, rbac }) => {
      const part = (isWanted: (resource: string) => boolean) =>
        rbac.flatMap(({ apiGroups, resources, verbs }) => {
          const some = resources.filter(isWanted)
          return some.length === 0 ? [] : [{ apiGroups, resources: some, verbs }]
        })
      const namespaced = part((resource) => !isClusterWide(resource))
      return [name, { risk, capabilities, cluster: part(isClusterWide), namespaced }]
    })
  return `${JSON.stringify(Object.fromEntries(entries), undefined, 2)}\n`
}
