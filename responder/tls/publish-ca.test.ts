import { expect } from '@jest/globals'
import { startControlPlane, type ControlPlane } from '../../e2e/cluster/control-plane.ts'
import { kubeconfigWith, namespace, prepare, tokenOf } from '../../e2e/support/projected-tokens.ts'
import { share } from '../../e2e/support/shared.ts'
import { needs } from '../../scripts/needs.ts'
import { openKubernetes, type Cluster } from '../kubernetes/open.ts'
import { publishTo } from './publish-ca.ts'

const test = needs('cluster')

let controlPlane: ControlPlane
let view: Cluster

/** What the chart has to give the responder for this; the ConfigMap is the chart's, or made by who may create. */
const rules = [
  { apiGroups: [''], resources: ['configmaps'], verbs: ['create'] },
  {
    apiGroups: [''],
    resources: ['configmaps'],
    resourceNames: ['ca', 'empty'],
    verbs: ['get', 'patch'],
  },
]

share(['cluster'], async (stack) => {
  controlPlane = stack.use(await startControlPlane())
  await prepare(controlPlane)
  const group = 'rbac.authorization.k8s.io'
  const metadata = { name: 'ca', namespace }
  await controlPlane.apply(
    { apiVersion: `${group}/v1`, kind: 'Role', metadata, rules },
    {
      apiVersion: `${group}/v1`,
      kind: 'RoleBinding',
      metadata,
      roleRef: { apiGroup: group, kind: 'Role', name: 'ca' },
      subjects: [{ kind: 'ServiceAccount', name: 'responder', namespace }],
    },
  )
  const token = await tokenOf(controlPlane.api, { account: 'responder', pod: null })
  view = await openKubernetes({
    settings: {
      enabled: 'always',
      kubeconfig: kubeconfigWith(controlPlane, token),
      namespace: null,
      accounts: null,
      labels: {},
      qps: 100,
      burst: 100,
    },
    version: '0',
    onCall: () => {},
  })
  stack.use(view)
})

const hour = 3_600_000
let nowMs = Date.UTC(2026, 10, 21)
const publish = (host: string, bundle: string, name = 'ca') =>
  publishTo({
    kubernetes: view.within,
    configMap: `${namespace}/${name}`,
    host,
    nowMs: () => nowMs,
  })(bundle)

async function published(name = 'ca'): Promise<Record<string, string>> {
  const path = `/api/v1/namespaces/${namespace}/configmaps/${name}`
  return (await controlPlane.api.get<{ data: Record<string, string> }>(path)).data
}

test('replicas that begin at once stand beside each other, each under its own key', async () => {
  const hosts = ['riposte-a', 'riposte-b', 'riposte-c', 'riposte-d']
  await Promise.all(hosts.map((host) => publish(host, `ca of ${host}\n`)))
  const data = await published()
  expect(Object.keys(data).toSorted()).toEqual(hosts)
  expect(data['riposte-c']).toBe('# riposte, 2026-11-21T00:00:00.000Z\nca of riposte-c\n')
})

test('what a replica publishes again replaces its own, and what nobody renewed for two days goes', async () => {
  await controlPlane.api.request('PATCH', `/api/v1/namespaces/${namespace}/configmaps/ca`, {
    data: { 'by-hand': 'a CA of the company' },
  })
  nowMs += 47 * hour
  await publish('riposte-a', 'new\n')
  expect(Object.keys(await published())).toHaveLength(5)
  nowMs += 2 * hour
  await publish('riposte-a', 'newer\n')
  expect(await published()).toEqual({
    'by-hand': 'a CA of the company',
    'riposte-a': '# riposte, 2026-11-23T01:00:00.000Z\nnewer\n',
  })
})

test('a ConfigMap without data, as a chart makes it, is filled', async () => {
  await controlPlane.apply({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'empty', namespace },
  })
  await publish('riposte-a', 'ca\n', 'empty')
  expect(Object.keys(await published('empty'))).toEqual(['riposte-a'])
})

test('without the right it says which one is missing', async () => {
  await expect(publish('riposte-a', 'ca\n', 'another')).rejects.toThrow(
    /configmaps "another" is forbidden.*cannot get/,
  )
})
