/** What the responder itself does with the API, beside its actions; the chart gives it these rights. */
import type { Right } from './kubernetes.ts'

const rights = (verbs: readonly string[], resources: readonly string[]) =>
  resources.flatMap((resource) =>
    verbs.map((verb) => ({ verb, apiGroup: 'riposte.dev', resource })),
  )

const policies = ['responsepolicies', 'clusterresponsepolicies', 'responseguards']
const views = ['containments', 'approvals']
const statusOf = (resources: readonly string[]) => resources.map((resource) => `${resource}/status`)

/** Who calls, and whether what a node says of a pod is so (responder/trust/). */
const trust = [
  { verb: 'create', apiGroup: 'authentication.k8s.io', resource: 'tokenreviews' },
  { verb: 'get', apiGroup: '', resource: 'pods' },
]

export const ownRights: readonly Omit<Right, 'namespace'>[] = [
  ...trust,
  ...rights(['list', 'watch'], policies),
  ...rights(['list', 'create', 'delete', 'get'], views),
  ...rights(['patch'], statusOf([...policies, ...views])),
]
