/** Steps act as the account of their class, with the chart's own Roles on a real API server. */
import { readFile } from 'node:fs/promises'
import { expect } from '@jest/globals'
import { parseAllDocuments, stringify } from 'yaml'
import { chart } from '../../e2e/cluster/install.ts'
import { eventually } from '../../e2e/support/eventually.ts'
import { alertOf } from '../../e2e/support/calls.ts'
import { testSettings, writeKubeconfig } from '../../e2e/support/kubernetes.ts'
import { share } from '../../e2e/support/shared.ts'
import { testCluster } from '../../e2e/support/test-cluster.ts'
import { needs } from '../../scripts/needs.ts'
import { labelPod } from '../actions/label-pod.ts'
import { SampleNode, startSample, until } from '../start.sample.ts'
import { entriesPatch } from './map-patch.ts'
import { referenceTo } from './objects.ts'
import { openKubernetes, type Cluster } from './open.ts'

const test = needs('cluster')
const forever = new AbortController().signal
const accounts = 'riposte/riposte'

const cluster = testCluster()
let kubeconfig: string
let responder: Cluster

const openAs = (prefix: string) =>
  openKubernetes({
    settings: { ...testSettings, kubeconfig, accounts: prefix },
    version: '0.0.0',
    onCall: () => undefined,
  })

share(['cluster'], async (stack) => {
  const { controlPlane } = cluster
  const enabled = ['label_pod', 'isolate_pod', 'delete_pod']
  await controlPlane.apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'riposte' } })
  await controlPlane.apply(...(await renderedAccounts({ actions: { enabled } })))
  const token = await controlPlane.kubectl(['create', 'token', 'riposte-responder', '-nriposte'])
  const { server, ca } = controlPlane.kubeconfig
  const user = { token: token.trim() }
  kubeconfig = await writeKubeconfig(controlPlane.folder, { name: 'responder', server, ca, user })
  responder = stack.use(await openAs(accounts))
  // The API server hears of new roles a little later.
  await eventually(() => {
    const right = { verb: 'delete', apiGroup: '', resource: 'pods', namespace: null }
    const asDestroy = responder.within(forever, 'destroy')
    return asDestroy.can(right).catch(() => false)
  }, Boolean)
})

/** Accounts, roles and bindings as the chart writes them. */
async function renderedAccounts(values: object): Promise<string[]> {
  const set = Object.entries(values).map(([key, one]) => `--set-json=${key}=${JSON.stringify(one)}`)
  const text = await cluster.controlPlane.helm(['template', 'riposte', chart, '-nriposte', ...set])
  return parseAllDocuments(text)
    .map((document): unknown => document.toJS())
    .filter((object) =>
      /"kind":"(?:ServiceAccount|(?:Cluster)?Role(?:Binding)?)"/.test(JSON.stringify(object)),
    )
    .map((object) => stringify(object))
}

test('what is done is done by the account of the class, and the audit log of the API server says so', async () => {
  const pod = await cluster.runPod('seen')
  const patch = entriesPatch(pod, 'labels', { state: 'suspect' })
  await responder.within(forever, 'mark').patch(referenceTo(pod), patch)

  const log = await eventually(
    () => readFile(cluster.controlPlane.auditLogPath, 'utf8'),
    (text) => text.includes('"impersonatedUser"'),
  )
  const entry: unknown = JSON.parse(
    log
      .split('\n')
      .find((line) => line.includes('"verb":"patch"') && line.includes('/pods/seen')) ?? '',
  )
  expect(entry).toMatchObject({
    user: { username: 'system:serviceaccount:riposte:riposte-responder' },
    impersonatedUser: { username: 'system:serviceaccount:riposte:riposte-mark' },
    responseStatus: { code: 200 },
  })
})

test('each class may do what its actions need, the responder itself none of it', async () => {
  const pod = referenceTo(await cluster.runPod('theirs'))
  const isDryRun = true
  const forbidden = { code: 'forbidden', message: expect.stringContaining('cannot delete') }
  for (const risk of ['mark', 'contain', undefined] as const)
    await expect(responder.within(forever, risk).delete(pod, { isDryRun })).rejects.toMatchObject(
      forbidden,
    )
  await expect(
    responder
      .within(forever, 'contain')
      .exec(pod, { container: 'main', argv: ['id'], maxBytes: 1, timeoutMs: 9000 }),
  ).rejects.toMatchObject({ code: 'forbidden', message: expect.stringContaining('pods/exec') })
  await responder.within(forever, 'destroy').delete(pod, { isDryRun })
})

test('the responder may act as these accounts alone', async () => {
  await using asOthers = await openAs('kube-system/generic-garbage-collector')
  const right = { verb: 'get', apiGroup: '', resource: 'pods', namespace: null }
  await expect(asOthers.within(forever, 'contain').can(right)).rejects.toMatchObject({
    code: 'forbidden',
    message: expect.stringContaining('cannot impersonate resource "serviceaccounts"'),
  })
  await expect(responder.within(forever, 'disrupt').can(right)).rejects.toMatchObject({
    code: 'forbidden',
  })
})

test('a policy whose class has no account, or whose account lacks rights, shows at once', async () => {
  const policy = `apiVersion: riposte.dev/v1alpha1
kind: ClusterResponsePolicy
metadata: { name: both }
spec: { match: { rules: { names: [both] } }, ladder: [{ name: one, do: [label_pod, scale_down_deployment, evict_pod] }] }
`
  await using sample = await startSample(
    { 'all.yaml': policy },
    { kubernetes: { kubeconfig, accounts, namespace: 'riposte' } },
  )
  const degraded = await eventually(
    () => Promise.resolve(sample.responder.degraded()),
    ({ length }) => length > 0,
  )
  expect(degraded).toEqual(
    ['evict_pod', 'scale_down_deployment'].map(
      (name) => `${name} will fail: no right to act as riposte/riposte-disrupt`,
    ),
  )
})

test('a step that tries more than its class may is refused by the API server, and its pod is left', async () => {
  const rogue = {
    ...labelPod,
    name: 'contains',
    risk: 'contain',
    run: async ({ kubernetes }: Parameters<typeof labelPod.run>[0]) => {
      await kubernetes.delete(referenceTo(pod))
      return { detail: 'deleted', effect: {} }
    },
  } as const
  const policy = `apiVersion: riposte.dev/v1alpha1
kind: ClusterResponsePolicy
metadata: { name: contains }
spec: { mode: enforce, match: { rules: { names: [contains] } }, ladder: [{ name: one, do: [contains] }] }
`
  const pod = await cluster.runPod('spared')
  await using sample = await startSample(
    { 'all.yaml': policy },
    { kubernetes: { kubeconfig, accounts, namespace: 'riposte' } },
    { actions: [rogue] },
  )
  await using node = new SampleNode(sample)
  const alert = alertOf(pod)
  await node.alerts({ ...alert, rule: 'contains' })
  const outcome = await until(async () => {
    const { body } = await sample.call('GET', `/v1/alerts/${alert.id}`)
    return body.decisions[0]?.outcome ?? undefined
  })
  expect(outcome).toMatchObject({
    status: 'failed',
    code: 'forbidden',
    detail: expect.stringContaining('system:serviceaccount:riposte:riposte-contain'),
  })
  const { metadata } = await cluster.kubernetes.get(referenceTo(pod))
  expect(metadata.deletionTimestamp).toBeUndefined()
})
