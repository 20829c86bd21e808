import { createServer } from 'node:net'
import { once } from 'node:events'
import { expect } from '@jest/globals'
import { alertOf, callOf, planned, stored, undoing } from '../../e2e/support/calls.ts'
import { testCluster } from '../../e2e/support/test-cluster.ts'
import { installNetworkProviders } from '../../e2e/support/isolation-rights.ts'
import { needs } from '../../scripts/needs.ts'
import type { Answer, Operation } from '../../contract/verdict.ts'
import type { KubernetesObject } from '../kubernetes/kubernetes.ts'
import { providers } from '../isolation/policies.ts'
import { entriesPatch } from '../kubernetes/map-patch.ts'
import { referenceTo } from '../kubernetes/objects.ts'
import { noKubernetes } from '../kubernetes/absent.ts'
import type { Effect, NodeLink } from './action.ts'
import { ActionFailed } from './errors.ts'
import { isolatePod } from './isolate-pod.ts'

const test = needs('cluster')
const cluster = testCluster()

/** A node that cuts whatever it is told, and remembers. */
function cuttingNode() {
  const asked: { operation: Operation; parameters: Effect; effect: Effect | null }[] = []
  let isCut = false
  const node: NodeLink = {
    ask: (operation, _action, parameters, effect): Promise<Answer> => {
      asked.push({ operation, parameters, effect })
      if (operation === 'run') isCut = true
      if (operation === 'undo') isCut = false
      const plain = { plan: 'planned', run: 'done', verify: 'done', undo: 'done' } as const
      const status = operation === 'verify' && !isCut ? 'unverified' : plain[operation]
      const rest = { detail: `${operation} it`, isRetryable: false, finishedMs: 0 }
      return Promise.resolve({ id: 's', operation, status, effect: { cut: true }, ...rest })
    },
  }
  return { node, asked, isCut: () => isCut }
}

const now = (object: KubernetesObject) => cluster.kubernetes.get(referenceTo(object))
const policiesOf = (owner: KubernetesObject) =>
  cluster.kubernetes
    .list({ apiVersion: 'networking.k8s.io/v1', kind: 'NetworkPolicy', namespace: 'default' })
    .then((found) =>
      found.filter(({ metadata }) =>
        metadata.ownerReferences?.some(({ uid }) => uid === owner.metadata.uid),
      ),
    )

test('a pod is cut by its node and by a policy for it alone, and reachable again after undo', async () => {
  const { kubernetes } = cluster
  const pod = await cluster.runPod('miner', { app: 'miner' })
  const { node, asked, isCut } = cuttingNode()
  const parameters = { verify: 'policy' } as const
  const call = callOf(isolatePod, { alert: alertOf(pod), kubernetes, node, parameters })

  const plan = await isolatePod.plan(call)
  expect(plan.detail).toBe(
    `cut ingress and egress of pod default/miner by its node at once and NetworkPolicy riposte-${call.stepId}`,
  )
  expect(await policiesOf(pod)).toEqual([])
  expect((await now(pod)).metadata.labels).toEqual({ app: 'miner' })
  expect(isCut()).toBe(false)

  const effect = await planned(isolatePod, call)
  const done = await isolatePod.run(call, effect)
  expect(done.detail).toBe(
    `cut ingress and egress of pod default/miner by its node and by networkpolicy default/riposte-${call.stepId}`,
  )
  expect(isCut()).toBe(true)
  expect((await now(pod)).metadata.labels).toEqual({
    app: 'miner',
    'riposte.dev/isolated': call.stepId,
  })
  const [policy] = await policiesOf(pod)
  expect(policy?.['spec']).toEqual({
    podSelector: { matchLabels: { 'riposte.dev/isolated': call.stepId } },
    policyTypes: ['Ingress', 'Egress'],
  })
  const left = stored(done.effect)
  expect(await isolatePod.verify?.(call, left)).toEqual({ isSeen: true, detail: 'node: verify it' })

  await isolatePod.undo?.(undoing(call), left)
  expect(await policiesOf(pod)).toEqual([])
  expect((await now(pod)).metadata.labels).toEqual({ app: 'miner' })
  expect((await now(pod)).metadata.annotations).toBeUndefined()
  expect(isCut()).toBe(false)
  expect(asked.at(-1)).toMatchObject({ operation: 'undo', effect: { cut: true } })
  // Once more, as after a crash in between.
  await isolatePod.undo?.(undoing(call), left)
})

test('an attempt that is made again after a crash ends in the same state, its undo in the first', async () => {
  const { kubernetes } = cluster
  const pod = await cluster.runPod('crashed', { app: 'crashed' })
  await kubernetes.create({
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'crashed', namespace: 'default' },
    spec: { selector: { app: 'crashed' }, ports: [{ port: 80 }] },
  })
  const { node } = cuttingNode()
  const parameters = { keepInService: false, verify: 'policy' } as const
  const call = callOf(isolatePod, { alert: alertOf(pod), kubernetes, node, parameters })
  await isolatePod.run(call, await planned(isolatePod, call))

  const again = await planned(isolatePod, call)
  const done = await isolatePod.run(call, again)
  expect(await policiesOf(pod)).toHaveLength(1)
  await isolatePod.undo?.(undoing(call), stored(done.effect))
  expect((await now(pod)).metadata.labels).toEqual({ app: 'crashed' })
})

test('out of service: labels that Services and controllers select by are put aside and come back', async () => {
  const { kubernetes } = cluster
  const labels = { app: 'web', 'pod-template-hash': '5d', team: 'shop' }
  const replicas = await kubernetes.create({
    apiVersion: 'apps/v1',
    kind: 'ReplicaSet',
    metadata: { name: 'web-5d', namespace: 'default' },
    spec: {
      replicas: 1,
      selector: { matchLabels: { app: 'web', 'pod-template-hash': '5d' } },
      template: { metadata: { labels }, spec: { containers: [{ name: 'main', image: 'none' }] } },
    },
  })
  await kubernetes.create({
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'web', namespace: 'default' },
    spec: { selector: { app: 'web' }, ports: [{ port: 80 }] },
  })
  const { uid = '' } = replicas?.metadata ?? {}
  const owner = { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'web-5d', uid, controller: true }
  const pod = await cluster.runPod('web-0', labels, {}, { ownerReferences: [owner] })
  const parameters = { keepInService: false, nodeCut: false, verify: 'policy' } as const
  const call = callOf(isolatePod, { alert: alertOf(pod), kubernetes, parameters })

  const effect = await planned(isolatePod, call)
  const done = await isolatePod.run(call, effect)
  expect(done.detail).toContain(
    'out of service default/web; replicaset web-5d lets go of it and makes another',
  )
  expect((await now(pod)).metadata.labels).toEqual({
    team: 'shop',
    'riposte-isolated-app': 'web',
    'riposte-isolated-pod-template-hash': '5d',
    'riposte.dev/isolated': call.stepId,
  })
  await isolatePod.undo?.(undoing(call), stored(done.effect))
  expect((await now(pod)).metadata.labels).toEqual(labels)
})

test('a policy that allows more is named, with what that means; relabelling leaves it', async () => {
  const { kubernetes } = cluster
  await kubernetes.create({
    apiVersion: 'networking.k8s.io/v1',
    kind: 'NetworkPolicy',
    metadata: { name: 'web-in', namespace: 'default' },
    spec: { podSelector: { matchLabels: { app: 'open' } }, ingress: [{}] },
  })
  await kubernetes.create({
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'open', namespace: 'default' },
    spec: { selector: { app: 'open' }, ports: [{ port: 80 }] },
  })
  const pod = await cluster.runPod('open', { app: 'open' })
  const plan = async (parameters: object) =>
    isolatePod.plan(
      callOf(isolatePod, {
        alert: alertOf(pod),
        kubernetes,
        node: cuttingNode().node,
        parameters,
      }),
    )
  expect((await plan({})).detail).toContain(
    'NetworkPolicy web-in still allows it something, which no other can take back: only its node stops that',
  )
  expect((await plan({ nodeCut: false })).detail).not.toContain('only its node')
  expect((await plan({ keepInService: false })).detail).not.toContain('web-in')
  // Egress alone is cut: relabelled, nothing would limit what comes in.
  await expect(plan({ keepInService: false, directions: ['egress'] })).rejects.toMatchObject({
    code: 'refused',
    message: expect.stringContaining('web-in'),
  })
})

test('undo is a conflict when somebody changed the policy or the labels, and then takes nothing back', async () => {
  const { kubernetes } = cluster
  const pod = await cluster.runPod('contested', { app: 'contested' })
  const { node, isCut } = cuttingNode()
  const call = callOf(isolatePod, { alert: alertOf(pod), kubernetes, node })
  const { effect } = await isolatePod.run(call, await planned(isolatePod, call))
  const [policy] = await policiesOf(pod)
  if (policy === undefined) throw new Error('no policy')

  const allowAll = { op: 'add', path: '/spec/ingress', value: [{}] } as const
  await kubernetes.patch(referenceTo(policy), [allowAll])
  const conflict = { name: 'Conflict', message: expect.stringContaining('was changed since') }
  await expect(isolatePod.undo?.(undoing(call), stored(effect))).rejects.toMatchObject(conflict)
  await kubernetes.patch(referenceTo(policy), [{ op: 'remove', path: '/spec/ingress' }])

  const relabelled = entriesPatch(await now(pod), 'labels', { 'riposte.dev/isolated': 'mine' })
  await kubernetes.patch(referenceTo(pod), relabelled)
  await expect(isolatePod.undo?.(undoing(call), stored(effect))).rejects.toMatchObject(conflict)
  expect(await policiesOf(pod)).toHaveLength(1)
  expect(isCut()).toBe(true)
})

test('a pod with the network of its host is cut by its node, or refused', async () => {
  const { kubernetes } = cluster
  const pod = await cluster.runPod('hosted', {}, { hostNetwork: true })
  const alert = alertOf(pod)
  const { node } = cuttingNode()
  const call = callOf(isolatePod, { alert, kubernetes, node })
  const done = await isolatePod.run(call, await planned(isolatePod, call))
  expect(done.detail).toContain('no policy cuts a pod with the network of its host')
  expect(await policiesOf(pod)).toEqual([])
  await isolatePod.undo?.(undoing(call), stored(done.effect))

  const alone = callOf(isolatePod, { alert, kubernetes })
  await expect(isolatePod.plan(alone)).rejects.toMatchObject({ code: 'refused' })
})

test('without a node the policy is made all the same, and the outcome says what is missing', async () => {
  const { kubernetes } = cluster
  const pod = await cluster.runPod('nodeless')
  const call = callOf(isolatePod, { alert: alertOf(pod), kubernetes })
  const done = await isolatePod.run(call, await planned(isolatePod, call))
  expect(done.detail).toContain('node cut not available: there is no node in this test')
  expect(await policiesOf(pod)).toHaveLength(1)
  // No port answered before, so silence now would prove nothing.
  expect(await isolatePod.verify?.(call, stored(done.effect))).toMatchObject({ isSeen: false })
})

const away = () => Promise.reject(new ActionFailed('the API server is away', true))

test('while the API server is away the node cuts alone, and the outcome is not verified', async () => {
  const { kubernetes } = cluster
  const pod = await cluster.runPod('lonely')
  const { node, isCut } = cuttingNode()
  const absent = { ...noKubernetes, get: away, own: kubernetes.own }
  const call = callOf(isolatePod, { alert: alertOf(pod), kubernetes: absent, node })
  const done = await isolatePod.run(call, await planned(isolatePod, call))
  expect(done.detail).toContain('no policy: the API server is away')
  expect(isCut()).toBe(true)
  const back = { ...call, kubernetes }
  expect(await isolatePod.verify?.(back, stored(done.effect))).toMatchObject({ isSeen: false })
  await isolatePod.undo?.(undoing(back), stored(done.effect))
  expect(isCut()).toBe(false)
})

test('a recreated pod is left alone, and one that another step isolated is left as it is', async () => {
  const { kubernetes } = cluster
  const first = await cluster.runPod('again')
  const { node, isCut } = cuttingNode()
  const call = callOf(isolatePod, { alert: alertOf(first), kubernetes, node: cuttingNode().node })
  const effect = await planned(isolatePod, call)
  const second = await cluster.recreate(first)
  await expect(isolatePod.plan(call)).rejects.toMatchObject({ code: 'target_gone' })
  await expect(isolatePod.run(call, effect)).rejects.toMatchObject({ code: 'target_gone' })
  expect((await now(second)).metadata.labels).toBeUndefined()
  expect(await policiesOf(first)).toEqual([])

  const other = callOf(isolatePod, { alert: alertOf(second), kubernetes, node })
  await isolatePod.run(other, await planned(isolatePod, other))
  const late = callOf(isolatePod, { alert: alertOf(second), kubernetes, node })
  expect(await isolatePod.plan(late)).toMatchObject({
    kind: 'already_done',
    detail: expect.stringContaining(other.stepId),
  })
  expect(isCut()).toBe(true)
})

test('holes reach the node by address, the policy by label', async () => {
  const { kubernetes } = cluster
  await kubernetes
    .create({
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'kube-dns', namespace: 'kube-system', labels: { 'k8s-app': 'kube-dns' } },
      spec: { clusterIP: '10.111.0.10', ports: [{ port: 53 }] },
    })
    .catch(() => undefined)
  const pod = await cluster.runPod('holed')
  const { node, asked } = cuttingNode()
  const parameters = { allow: ['dns' as const, '10.0.0.7'] }
  const call = callOf(isolatePod, { alert: alertOf(pod), kubernetes, node, parameters })
  await isolatePod.run(call, await planned(isolatePod, call))
  expect(asked.find(({ operation }) => operation === 'run')?.parameters).toMatchObject({
    scope: 'pod',
    allow: ['10.0.0.7/32'],
    allowPorts: [{ port: 53, to: expect.arrayContaining(['169.254.20.10/32']) }],
  })
})

test('a port that answered before and still answers is no isolation; one that fell silent is', async () => {
  const { kubernetes } = cluster
  const server = createServer((socket) => socket.destroy())
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  const port = typeof address === 'object' ? (address?.port ?? 0) : 0
  try {
    const containers = [{ name: 'main', image: 'none', ports: [{ containerPort: port }] }]
    const pod = await cluster.runPod('probed', {}, { containers })
    const ip = { op: 'add', path: '/status/podIP', value: '127.0.0.1' } as const
    await kubernetes.patch(referenceTo(pod), [ip], { subresource: 'status' })
    const call = callOf(isolatePod, { alert: alertOf(pod), kubernetes })
    const { effect } = await isolatePod.run(call, await planned(isolatePod, call))
    // Nothing cuts anything here: there is no network plugin.
    expect(await isolatePod.verify?.(call, stored(effect))).toEqual({
      isSeen: false,
      detail: `127.0.0.1:${port} still answers`,
    })
    // An address of the bridge that nobody has is as silent as dropped packets are.
    const host = new URL(cluster.controlPlane.apiserverUrl).hostname.replace(/\d+$/, '250')
    const silent = { ...stored(effect), probe: { host, port } }
    expect(await isolatePod.verify?.(call, silent)).toMatchObject({ isSeen: true })
  } finally {
    server.close()
  }
})

for (const provider of ['cilium', 'calico'] as const)
  test(`a policy of ${provider} is made and taken away`, async () => {
    const { kubernetes } = cluster
    await installNetworkProviders(cluster)
    const { apiVersion, kind } = providers[provider]
    const pod = await cluster.runPod(`of-${provider}`)
    const parameters = {
      provider,
      allow: ['dns' as const],
      nodeCut: false,
      verify: 'policy' as const,
    }
    const call = callOf(isolatePod, { alert: alertOf(pod), kubernetes, parameters })
    const { effect } = await isolatePod.run(call, await planned(isolatePod, call))
    const left = stored(effect)
    expect(await isolatePod.verify?.(call, left)).toMatchObject({ isSeen: true })
    const found = () => kubernetes.list({ apiVersion, kind, namespace: 'default' })
    expect(await found()).toHaveLength(1)
    await isolatePod.undo?.(undoing(call), left)
    expect(await found()).toEqual([])
  })
