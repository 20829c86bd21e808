/** Each rule on audit events, with what it is about and with its nearest harmless neighbour. The events are our own. */
import { fileURLToPath } from 'node:url'
import { expect, test } from '@jest/globals'
import { type Document, auditEvent, judging } from '../detector/audit/testing.ts'
import { parseAudit } from '../detector/audit/parse.ts'

const file = fileURLToPath(new URL('70-k8s-audit.yaml', import.meta.url))

async function rulesOf(more: Document): Promise<string[]> {
  using judged = judging([file])
  await judged.pipeline.take(parseAudit(JSON.stringify(auditEvent(more)), 100_000))
  expect(judged.refused).toEqual([])
  return judged.alerts.map(({ rule }) => rule)
}

/** `neighbour` is `act` but for what it says. */
const auditTest = (rule: string, act: Document, neighbour: Document) => {
  test(`${rule}: its act, and not the act beside it`, async () => {
    expect(await rulesOf(act)).toContain(rule)
    expect(await rulesOf({ ...act, ...neighbour })).not.toContain(rule)
  })
}

const workload = {
  username: 'system:serviceaccount:shop:cart',
  groups: ['system:serviceaccounts', 'system:serviceaccounts:shop', 'system:authenticated'],
}
const controller = {
  username: 'system:serviceaccount:kube-system:job-controller',
  groups: ['system:serviceaccounts', 'system:serviceaccounts:kube-system'],
}
const connected = { stage: 'ResponseStarted', responseStatus: { code: 101 } }
const to = (resource: string, subresource?: string, name = 'cart') => ({
  objectRef: { resource, namespace: 'shop', name, ...(subresource && { subresource }) },
})
const pod = (spec: Document) => ({ verb: 'create', ...to('pods'), requestObject: { spec } })
const binding = (role: string, subject: Document) => ({
  verb: 'create',
  ...to('clusterrolebindings'),
  requestObject: { roleRef: { name: role }, subjects: [subject] },
})

auditTest(
  'Command run in a pod through the API',
  { ...connected, ...to('pods', 'exec'), requestURI: '/api/v1/…/exec?command=sh' },
  { stage: 'ResponseComplete', responseStatus: { code: 403 } },
)

auditTest(
  'Attached to a running container',
  { ...connected, ...to('pods', 'attach') },
  to('pods', 'log'),
)

auditTest(
  'Ephemeral container added to a pod',
  { verb: 'patch', ...to('pods', 'ephemeralcontainers') },
  { verb: 'get' },
)

auditTest(
  'Anonymous request carried out',
  {
    user: { username: 'system:anonymous', groups: ['system:unauthenticated'] },
    requestURI: '/api/v1/pods',
  },
  { requestURI: '/livez?verbose' },
)

auditTest(
  'Bound to cluster-admin',
  binding('cluster-admin', { kind: 'User', name: 'mallory' }),
  binding('view', { kind: 'User', name: 'cluster-admin' }),
)

test('Bound to cluster-admin: a patch names no role, the answer does', async () => {
  const patch = { verb: 'patch', ...to('clusterrolebindings'), requestObject: { subjects: [] } }
  const answer = { responseObject: { roleRef: { name: 'cluster-admin' } } }
  expect(await rulesOf({ ...patch, ...answer })).toEqual(['Bound to cluster-admin'])
})

auditTest(
  'Role given to everybody',
  binding('view', { kind: 'Group', name: 'system:unauthenticated' }),
  binding('view', { kind: 'Group', name: 'team-cart' }),
)

auditTest(
  'Role over everything written',
  { verb: 'update', ...to('roles'), requestObject: { rules: [{ verbs: ['get'], resources: ['pods'] }, { verbs: ['*'] }] } },
  { requestObject: { rules: [{ verbs: ['get', 'list'], resources: ['pods'] }] } },
) // prettier-ignore

auditTest(
  'Privileged pod created',
  pod({ containers: [{}], initContainers: [{ securityContext: { privileged: true } }] }),
  { requestURI: '/api/v1/namespaces/shop/pods?dryRun=All' },
)

auditTest("Pod created in the node's namespaces", pod({ hostPID: true }), pod({ hostPID: false }))

auditTest(
  "Pod created over the node's files",
  pod({ volumes: [{ hostPath: { path: '/etc/localtime' } }, { hostPath: { path: '/etc/' } }] }),
  pod({ volumes: [{ hostPath: { path: '/etc/localtime' } }, { emptyDir: {} }] }),
)

auditTest(
  'Secrets listed by a service account',
  { verb: 'list', objectRef: { resource: 'secrets', namespace: 'shop' }, user: workload },
  { user: controller },
)

auditTest(
  'Token of a service account requested',
  { verb: 'create', ...to('serviceaccounts', 'token'), user: workload },
  { user: { username: 'system:node:a', groups: ['system:nodes'] } },
)

auditTest(
  'CronJob written by a service account',
  { verb: 'create', ...to('cronjobs'), user: workload },
  { verb: 'update', ...to('cronjobs', 'status'), user: controller },
)

auditTest(
  'Admission control removed',
  { verb: 'delete', ...to('validatingwebhookconfigurations') },
  { responseStatus: { code: 403 } },
)

auditTest(
  'Events deleted',
  { verb: 'deletecollection', objectRef: { resource: 'events', namespace: 'shop' } },
  { verb: 'list' },
)
