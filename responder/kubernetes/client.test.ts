import { writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { expect } from '@jest/globals'
import { eventually } from '../../e2e/support/eventually.ts'
import {
  podOf,
  testSettings,
  writeKubeconfig,
  type TestCluster,
} from '../../e2e/support/kubernetes.ts'
import { listening } from '../../e2e/support/listening.ts'
import { share } from '../../e2e/support/shared.ts'
import { testCluster } from '../../e2e/support/test-cluster.ts'
import { needs } from '../../scripts/needs.ts'
import { entriesPatch } from './map-patch.ts'
import type { Kubernetes } from './kubernetes.ts'
import { referenceTo } from './objects.ts'
import { openKubernetes } from './open.ts'

const test = needs('cluster')
const forever = new AbortController().signal

const cluster = testCluster()
let kubernetes: Kubernetes

share(['cluster'], () => {
  ;({ kubernetes } = cluster)
})

const openWith = (kubeconfig: string) =>
  openKubernetes({
    settings: { ...testSettings, kubeconfig },
    version: '0.0.0',
    onCall: () => undefined,
  })

const runPod = (...pod: Parameters<TestCluster['runPod']>) => cluster.runPod(...pod)

test('a pod is created, found, listed and deleted', async () => {
  const pod = await runPod('basics', { app: 'basics' })

  expect(await kubernetes.get(referenceTo(pod))).toMatchObject({ metadata: { name: 'basics' } })
  const of = { apiVersion: 'v1', kind: 'Pod', namespace: 'default' }
  const listed = await kubernetes.list(of, { labels: 'app=basics' })
  expect(listed.map(({ kind, metadata }) => [kind, metadata.uid])).toEqual([
    ['Pod', pod.metadata.uid],
  ])
  expect(await kubernetes.create(podOf('basics'))).toBeNull()
  await kubernetes.delete(referenceTo(pod), { graceSeconds: 0 })
  await expect(kubernetes.get(referenceTo(pod))).rejects.toMatchObject({ code: 'target_gone' })
})

test('another object under the same name is neither read, changed nor deleted', async () => {
  const first = await runPod('reborn')
  const second = referenceTo(await cluster.recreate(first))
  const gone = { code: 'target_gone', message: expect.stringContaining('has UID') }

  await expect(kubernetes.get(referenceTo(first))).rejects.toMatchObject(gone)
  await expect(
    kubernetes.patch(referenceTo(first), entriesPatch(first, 'labels', { touched: 'yes' })),
  ).rejects.toMatchObject(gone)
  await expect(kubernetes.delete(referenceTo(first))).rejects.toMatchObject(gone)

  expect((await kubernetes.get(second)).metadata.labels).toBeUndefined()
})

test('labels are changed where they are as they were seen, with or without any before', async () => {
  const bare = await runPod('bare')
  const patched = await kubernetes.patch(
    referenceTo(bare),
    entriesPatch(bare, 'labels', { 'example.com/state': 'seen' }),
  )
  expect(patched.metadata.labels).toEqual({ 'example.com/state': 'seen' })

  const changed = await kubernetes.patch(
    referenceTo(bare),
    entriesPatch(patched, 'labels', { 'example.com/state': null, next: '1' }),
  )
  expect(changed.metadata.labels).toEqual({ next: '1' })

  // What it was first read as is not true any more: each is a conflict, nothing is changed.
  for (const [object, wanted] of [
    [bare, { a: 'b' }],
    [patched, { 'example.com/state': 'other' }],
    [patched, { next: '2' }],
  ] as const)
    await expect(
      kubernetes.patch(referenceTo(bare), entriesPatch(object, 'labels', wanted)),
    ).rejects.toMatchObject({ name: 'Conflict', retryable: false })
  expect((await kubernetes.get(referenceTo(bare))).metadata.labels).toEqual({ next: '1' })
})

test('a dry run is judged in full and changes nothing', async () => {
  const pod = await runPod('dry')
  const isDryRun = true
  await kubernetes.patch(referenceTo(pod), entriesPatch(pod, 'labels', { a: 'b' }), { isDryRun })
  await kubernetes.delete(referenceTo(pod), { isDryRun })
  expect(await kubernetes.create(podOf('dry-too'), { isDryRun })).not.toBeNull()

  expect(await kubernetes.get(referenceTo(pod))).toMatchObject({
    metadata: { resourceVersion: pod.metadata.resourceVersion },
  })
  await expect(
    kubernetes.patch(referenceTo(pod), entriesPatch(pod, 'labels', { a: 'not a value' }), {
      isDryRun,
    }),
  ).rejects.toMatchObject({ code: 'refused', message: expect.stringContaining('not a value') })
  await expect(kubernetes.create({ ...podOf('odd'), sepc: {} }, { isDryRun })).rejects.toThrow(
    'sepc',
  )
})

test('rights are asked of the API server, and lacking one is a refusal of its own', async () => {
  const nobody = await cluster.kubeconfigWith('nobody', [])
  await using asNobody = await openWith(nobody)
  const pods = { apiGroup: '', resource: 'pods', namespace: null }

  expect(await kubernetes.can({ verb: 'delete', ...pods })).toBe(true)
  expect(await asNobody.within(forever).can({ verb: 'delete', ...pods })).toBe(false)
  const pod = referenceTo(await runPod('guarded'))
  await expect(asNobody.within(forever).get(pod)).rejects.toMatchObject({
    code: 'forbidden',
    message: expect.stringContaining('cannot get resource "pods"'),
  })
})

test('a kind that no table holds is discovered, one that nobody serves is refused', async () => {
  expect(await kubernetes.serves('cilium.io/v2', 'CiliumNetworkPolicy')).toBe(false)
  expect(await kubernetes.serves('networking.k8s.io/v1', 'NetworkPolicy')).toBe(true)
  const lease = await kubernetes.pathOf({
    apiVersion: 'coordination.k8s.io/v1',
    kind: 'Lease',
    namespace: 'a',
    name: 'b',
    uid: null,
  })
  expect(lease).toBe('/apis/coordination.k8s.io/v1/namespaces/a/leases/b')
  const nothing = { apiVersion: 'nobody/v1', kind: 'Nothing', namespace: null }
  await expect(kubernetes.list(nothing)).rejects.toMatchObject({ code: 'refused' })
})

test('a name from outside leads to no other path', async () => {
  const of = { apiVersion: 'v1', kind: 'Pod', namespace: 'default', uid: null }
  expect(await kubernetes.pathOf({ ...of, name: 'a/../../x?y' })).toBe(
    '/api/v1/namespaces/default/pods/a%2F..%2F..%2Fx%3Fy',
  )
  await expect(kubernetes.get({ ...of, name: '..' })).rejects.toThrow('no name')
  await expect(kubernetes.get({ ...of, namespace: '..', name: 'a' })).rejects.toThrow('no name')
})

test('a token that was rotated is read anew, at the latest when the old one is refused', async () => {
  const file = await cluster.kubeconfigWith('rotated', [])
  const { controlPlane } = cluster
  const good = await controlPlane.kubectl(['create', 'token', 'rotated'])
  const token = join(controlPlane.folder, 'token')
  await writeFile(token, 'not a token')
  const text = JSON.parse(
    await controlPlane.kubectl(['config', 'view', '-o', 'json', '--raw', `--kubeconfig=${file}`]),
  )
  text.users[0].user = { 'auth-provider': { name: 'tokenFile', config: { tokenFile: token } } }
  await writeFile(file, JSON.stringify(text))
  await using rotated = await openWith(file)
  const ask = () =>
    rotated.within(forever).can({ verb: 'get', apiGroup: '', resource: 'pods', namespace: null })

  await expect(ask()).rejects.toMatchObject({ code: 'failed', retryable: true })
  await writeFile(token, good.trim())
  expect(await ask()).toBe(false)
})

test('a server that is too busy is asked again when it said, and what it does is not done twice', async () => {
  const seen: string[] = []
  await using server = await listening(
    createServer((request, response) => {
      seen.push(`${request.method} ${request.headers['user-agent']}`)
      if (seen.length === 1) response.writeHead(429, { 'retry-after': '1' }).end()
      else response.end(JSON.stringify({ status: { allowed: true } }))
    }),
  )
  await using busy = await openWith(await kubeconfigFor(server.url))
  const right = { verb: 'get', apiGroup: '', resource: 'pods', namespace: null }

  expect(await busy.within(forever).can(right)).toBe(true)
  const posts = seen.filter((line) => line.startsWith('POST'))
  expect(posts).toEqual(Array(2).fill('POST riposte-responder/0.0.0'))
})

test('an answer beyond its bound, and one that never comes, end the call', async () => {
  await using server = await listening(
    createServer((request, response) => {
      if (request.url === '/large') response.end('x'.repeat(100_000))
    }),
  )
  await using strange = await openWith(await kubeconfigFor(server.url))
  const ask = (path: string, signal = forever) =>
    strange.within(signal).request('GET', path, undefined, { maxBytes: 1000, timeoutMs: 200 })

  await expect(ask('/large')).rejects.toMatchObject({ retryable: false })
  await expect(ask('/silent')).rejects.toMatchObject({ retryable: true })
  await expect(ask('/silent', AbortSignal.abort(new Error('too late')))).rejects.toThrow('too late')
})

test('an API server that is away degrades within seconds, and is well again when it is back', async () => {
  await using server = await listening(createServer((_request, response) => response.end('{}')))
  await using shaky = await openWith(await kubeconfigFor(server.url))
  const degraded = () => Promise.resolve(shaky.degraded())
  await shaky.within(forever).request('GET', '/version')
  expect(shaky.degraded()).toEqual([])

  await server.stop()
  const [sentence] = await eventually(degraded, ({ length }) => length === 1)
  expect(sentence).toContain('the API server of Kubernetes is away')
  await server.start()
  await eventually(degraded, ({ length }) => length === 0)
})

test('a kubeconfig that cannot be read ends the start with what is wrong', async () => {
  await expect(openWith('/nowhere/kubeconfig')).rejects.toMatchObject({
    code: 'kubernetes_config',
    message: expect.stringContaining('/nowhere/kubeconfig'),
  })
  await using off = await openKubernetes({
    settings: { ...testSettings, kubeconfig: null },
    version: '0',
    onCall: () => undefined,
  })
  expect(off.isConfigured).toBe(false)
})

const kubeconfigFor = (server: string) =>
  writeKubeconfig(cluster.controlPlane.folder, { name: 'test', server })
