import { writeFile, mkdtemp, mkdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from '@jest/globals'
import { type ControlPlane, startControlPlane } from '../../../e2e/cluster/control-plane.ts'
import { needs } from '../../../scripts/needs.ts'
import { podRequestsOf } from '../../../e2e/support/audit-log.ts'
import { share } from '../../../e2e/support/shared.ts'
import { type ApiAccess, fromKubeconfig, inCluster } from './access.ts'
import { Api } from './api.ts'
import type { KnownPod } from './pod.ts'
import { PodWatch } from './pod-watch.ts'

const test = needs('cluster')

let cluster: ControlPlane
share(['cluster'], async (stack) => {
  cluster = stack.use(await startControlPlane())
  await cluster.apply({
    apiVersion: 'v1',
    kind: 'ServiceAccount',
    metadata: { name: 'default', namespace: 'default' },
  })
})

const pod = (name: string, node: string, metadata: Record<string, unknown> = {}) => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name, namespace: 'default', ...metadata },
  spec: {
    nodeName: node,
    priorityClassName: 'system-node-critical',
    automountServiceAccountToken: false,
    containers: [
      {
        name: 'main',
        image: 'lab.local/x:1',
        livenessProbe: { exec: { command: ['/bin/check', '-q'] } },
      },
    ],
  },
})

function watch(node: string, access: ApiAccess = fromKubeconfig(cluster.kubeconfig.path)) {
  const seen: KnownPod[] = []
  const watching = new PodWatch({
    api: new Api(access),
    node,
    random: () => 0,
    onPod: (known) => seen.push(known),
  })
  return { seen, watching, [Symbol.asyncDispose]: () => watching.stop() }
}

async function until(isTrue: () => boolean) {
  while (!isTrue()) await new Promise((resolve) => setTimeout(resolve, 5))
}

test('pods of the node are known with labels, account and owners, those of others never', async () => {
  await cluster.apply(
    pod('web-5d-x', 'node-a', {
      labels: { app: 'web', 'pod-template-hash': '5d' },
      annotations: { note: 'x', huge: 'y'.repeat(20_000) },
      ownerReferences: [
        { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'web-5d', uid: '0-1', controller: true },
      ],
    }),
    pod('elsewhere', 'node-b'),
  )
  await using node = watch('node-a')
  await node.watching.start()
  expect(node.watching.isInSync).toBe(true)
  expect(node.seen.map((known) => known.pod.name)).toEqual(['web-5d-x'])
  const [known] = node.seen
  expect(known?.pod).toMatchObject({
    namespace: 'default',
    serviceAccount: 'default',
    priorityClass: 'system-node-critical',
    isHostNetwork: false,
    labels: { app: 'web' },
    annotations: { note: 'x' },
    owners: [
      { kind: 'ReplicaSet', name: 'web-5d', uid: '0-1' },
      { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web', uid: null },
    ],
  })
  expect(Object.keys(known?.pod.annotations ?? {})).toEqual(['note'])
  expect(known?.probes.get('main')).toEqual([{ kind: 'liveness', command: ['/bin/check', '-q'] }])

  await cluster.kubectl(['label', 'pod', 'web-5d-x', 'app=changed', '--overwrite'])
  await until(() => node.watching.find(known?.pod.uid ?? '')?.pod.labels['app'] === 'changed')
  await cluster.apply(pod('later', 'node-a'))
  await until(() => node.seen.some((one) => one.pod.name === 'later'))
  await cluster.kubectl(['delete', 'pod', 'web-5d-x', '--force', '--grace-period=0'])
  await until(() => node.watching.find(known?.pod.uid ?? '') === undefined)
  expect(node.watching.counts).toEqual({ lists: 1, watches: 1 })
})

test("a static pod's mirror is found by the hash that its kubelet calls it by", async () => {
  const hash = 'c'.repeat(32)
  await cluster.apply(
    pod('static-node-c', 'node-c', { annotations: { 'kubernetes.io/config.mirror': hash } }),
  )
  await using node = watch('node-c')
  await node.watching.start()
  expect(node.watching.find(hash)?.pod.name).toBe('static-node-c')
})

test('no list and no watch asks for the pods of more than one node', async () => {
  await using node = watch('node-f')
  await node.watching.start()
  const requests = await podRequestsOf(cluster.auditLogPath)

  const ofNode = requests.filter(({ uri }) => uri.includes('node-f'))
  expect(ofNode.map(({ verb }) => verb)).toEqual(['list', 'watch'])
  expect(requests.filter(({ isOfOneNode }) => !isOfOneNode)).toEqual([])
})

test('an API server that goes away is degraded, and the watch goes on when it is back', async () => {
  await using node = watch('node-d')
  await node.watching.start()
  const restarting = cluster.setAuditWebhook()
  await until(() => !node.watching.isInSync)
  expect(node.watching.degraded()[0]).toMatch(/^Kubernetes API: .*; new pods have no owner/)
  await restarting
  await until(() => node.watching.isInSync)
  await cluster.apply(pod('after', 'node-d'))
  await until(() => node.seen.some((one) => one.pod.name === 'after'))
  // A server that has just begun does not remember the place: then one list more.
  expect(node.watching.counts.lists).toBeLessThanOrEqual(2)
})

test('in a pod the token is read again for each request, and a wrong one is a degraded state', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'account-'))
  await mkdir(folder, { recursive: true })
  await writeFile(join(folder, 'ca.crt'), cluster.kubeconfig.ca)
  await writeFile(join(folder, 'token'), 'wrong')
  const url = new URL(cluster.apiserverUrl)
  const environment = { KUBERNETES_SERVICE_HOST: url.hostname, KUBERNETES_SERVICE_PORT: url.port }
  const access = inCluster(environment, folder)
  if (access === undefined) throw new Error('no access')
  await using node = watch('node-e', access)
  await node.watching.start()
  expect(node.watching.degraded()[0]).toMatch('HTTP 401')
  await cluster.kubectl([
    'create',
    'clusterrole',
    'detector',
    '--verb=list,watch',
    '--resource=pods',
  ])
  await cluster.kubectl([
    'create',
    'clusterrolebinding',
    'detector',
    '--clusterrole=detector',
    '--serviceaccount=default:default',
  ])
  await writeFile(join(folder, 'token'), await cluster.kubectl(['create', 'token', 'default']))
  await until(() => node.watching.isInSync)
  expect(inCluster({}, folder)).toBeUndefined()
  await rm(folder, { recursive: true })
})
