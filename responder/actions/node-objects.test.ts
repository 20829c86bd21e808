import { expect } from '@jest/globals'
import type { Alert } from '../../contract/alert.ts'
import { callOf, planned, stored, undoing } from '../../e2e/support/calls.ts'
import { podOf } from '../../e2e/support/kubernetes.ts'
import { testCluster } from '../../e2e/support/test-cluster.ts'
import { needs } from '../../scripts/needs.ts'
import type { KubernetesObject } from '../kubernetes/kubernetes.ts'
import { partsOfNode } from '../kubernetes/nodes.ts'
import { referenceTo } from '../kubernetes/objects.ts'
import { sampleAlert } from '../policy/alert.sample.ts'
import { cordonNode } from './cordon-node.ts'
import { drainNode } from './drain-node.ts'
import { taintNode } from './taint-node.ts'
import { uncordonNode } from './uncordon-node.ts'

const test = needs('cluster')
const cluster = testCluster()

const now = (object: KubernetesObject) => cluster.kubernetes.get(referenceTo(object))
const specOf = async (node: KubernetesObject) => partsOfNode(await now(node))
const on = (node: string): Alert => ({ ...sampleAlert(), node })

test('a node is cordoned; undo lets it take pods again, and so does uncordon', async () => {
  const { kubernetes } = cluster
  const node = await cluster.createNode('cordoned')
  const call = callOf(cordonNode, { alert: on('cordoned'), kubernetes })
  const effect = await planned(cordonNode, call)
  expect((await specOf(node)).unschedulable).toBeNull()

  await cordonNode.run(call, effect)
  expect(await cordonNode.verify?.(call, effect)).toBe(true)
  expect((await specOf(node)).unschedulable).toBe(true)
  expect((await now(node)).metadata.annotations).toBeDefined()
  expect(await cordonNode.plan(call)).toMatchObject({ kind: 'already_done' })
  await cordonNode.undo?.(undoing(call), effect)
  expect((await specOf(node)).unschedulable).toBeNull()
  expect((await now(node)).metadata.annotations).toBeUndefined()

  await cordonNode.run(call, effect)
  const open = callOf(uncordonNode, { alert: on('cordoned'), kubernetes })
  const opened = await planned(uncordonNode, open)
  await uncordonNode.run(open, opened)
  expect((await specOf(node)).unschedulable).toBeNull()
  await uncordonNode.undo?.(undoing(open), opened)
  expect((await specOf(node)).unschedulable).toBe(true)
})

test('a node that was made anew under its name is left alone', async () => {
  const { kubernetes } = cluster
  const first = await cluster.createNode('rebuilt')
  const call = callOf(cordonNode, { alert: on('rebuilt'), kubernetes })
  const effect = await planned(cordonNode, call)
  await kubernetes.delete(referenceTo(first))
  const second = await cluster.createNode('rebuilt')

  await expect(cordonNode.run(call, effect)).rejects.toMatchObject({ code: 'target_gone' })
  expect((await specOf(second)).unschedulable).toBeNull()
})

test('undo of a taint removes exactly it, or puts its value back, and finds what others changed', async () => {
  const { kubernetes } = cluster
  const node = await cluster.createNode('tainted')
  const other = { key: 'other', value: 'x', effect: 'NoSchedule' }
  const patch = { op: 'add', path: '/spec/taints', value: [other] } as const
  await kubernetes.patch(referenceTo(node), [patch])
  const before = (await specOf(node)).taints

  const alert = on('tainted')
  const first = callOf(taintNode, { alert, kubernetes, parameters: { value: 'low' } })
  const low = await planned(taintNode, first)
  await taintNode.run(first, low)
  expect(await taintNode.verify?.(first, low)).toBe(true)

  const second = callOf(taintNode, { alert, kubernetes, parameters: { value: 'high' } })
  const high = await planned(taintNode, second)
  await taintNode.run(second, high)
  // What the first left is not there any more.
  await expect(taintNode.undo?.(undoing(first), low)).rejects.toMatchObject({ name: 'Conflict' })
  await taintNode.undo?.(undoing(second), high)
  expect((await specOf(node)).taints).toContainEqual({
    key: 'riposte.dev/suspect',
    value: 'low',
    effect: 'NoSchedule',
  })
  await taintNode.undo?.(undoing(first), low)
  await taintNode.undo?.(undoing(first), low)
  expect((await specOf(node)).taints).toEqual(before)
  expect((await now(node)).metadata.annotations).toBeUndefined()
})

test('the plan of a NoExecute taint says how many pods it drives off', async () => {
  const { kubernetes } = cluster
  await cluster.createNode('driven')
  await cluster.runPod('driven-0', {}, { nodeName: 'driven' })
  const tolerations = [{ operator: 'Exists' }]
  await cluster.runPod('driven-1', {}, { nodeName: 'driven', tolerations })
  const parameters = { effect: 'NoExecute' } as const
  const call = callOf(taintNode, { alert: on('driven'), kubernetes, parameters })
  expect((await taintNode.plan(call)).detail).toContain('drives 1 of its 2 pods off')
})

const controlled = (kind: string) => ({
  ownerReferences: [{ apiVersion: 'apps/v1', kind, name: 'o', uid: 'o', controller: true }],
})

/** Pods of a ReplicaSet in name: no controller runs here that would look at them. */
async function fill(node: string) {
  const { kubernetes } = cluster
  const create = (name: string, metadata: object = {}) => {
    const made = podOf(`${node}-${name}`, undefined, {
      nodeName: node,
      terminationGracePeriodSeconds: 0,
    })
    return kubernetes.create({ ...made, metadata: { ...made.metadata, ...metadata } })
  }
  const run = async (pod: KubernetesObject | null) => {
    if (pod === null) throw new Error('there is one')
    // Budgets are not asked about pods that never ran.
    const running = { op: 'add', path: '/status/phase', value: 'Running' } as const
    await kubernetes.patch(referenceTo(pod), [running], { subresource: 'status' })
  }
  await run(await create('web', controlled('ReplicaSet')))
  await create('agent', controlled('DaemonSet'))
  await create('static', { annotations: { 'kubernetes.io/config.mirror': 'x' } })
  await create('alone')
  await kubernetes.create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'riposte' } })
  await create('own', {
    ...controlled('ReplicaSet'),
    namespace: 'riposte',
    labels: { 'app.kubernetes.io/part-of': 'riposte' },
  })
}

const podsOn = async (node: string) => {
  const of = { apiVersion: 'v1', kind: 'Pod', namespace: null }
  const pods = await cluster.kubernetes.list(of, { fields: `spec.nodeName=${node}` })
  return pods.map(({ metadata }) => metadata.name.slice(node.length + 1)).toSorted()
}

test('a drain cordons, evicts what is to leave and spares DaemonSets, static pods and Riposte', async () => {
  const { kubernetes } = cluster
  const node = await cluster.createNode('drained')
  await fill('drained')
  const call = callOf(drainNode, { alert: on('drained'), kubernetes })
  const plan = await drainNode.plan(call)
  expect(plan.detail).toBe(
    'drain node drained: evict 1 pods; pod default/drained-alone (no controller), pod riposte/drained-own (Riposte itself) stay',
  )
  expect(await podsOn('drained')).toHaveLength(5)
  expect((await specOf(node)).unschedulable).toBeNull()

  const effect = await planned(drainNode, call)
  const done = await drainNode.run(call, effect)
  expect(done.detail).toBe('node drained is cordoned and empty')
  expect(await drainNode.verify?.(call, stored(done.effect))).toBe(true)
  expect(await podsOn('drained')).toEqual(['agent', 'alone', 'own', 'static'])

  await drainNode.undo?.(undoing(call), stored(done.effect))
  expect((await specOf(node)).unschedulable).toBeNull()
  const all = callOf(drainNode, {
    alert: on('drained'),
    kubernetes,
    parameters: { unmanaged: true },
  })
  await drainNode.run(all, await planned(drainNode, all))
  expect(await podsOn('drained')).toEqual(['agent', 'own', 'static'])
})

test('a drain that a disruption budget holds says so, and is tried again from where it was', async () => {
  const { kubernetes, controlPlane } = cluster
  const node = await cluster.createNode('held')
  await fill('held')
  // Without its controller a budget allows nothing.
  await controlPlane.apply({
    apiVersion: 'policy/v1',
    kind: 'PodDisruptionBudget',
    metadata: { name: 'all-stay', namespace: 'default' },
    spec: { maxUnavailable: 0, selector: {} },
  })
  try {
    const parameters = { timeoutMs: 1000 }
    const call = callOf(drainNode, { alert: on('held'), kubernetes, parameters })
    expect((await drainNode.plan(call)).detail).toContain('held for now: pod default/held-web')
    const done = await drainNode.run(call, await planned(drainNode, call))
    expect(done.detail).toContain('node held is cordoned; still there: pod default/held-web')
    expect(await drainNode.verify?.(call, done.effect)).toBe(false)

    // The node is cordoned by now: that was us, and undo still opens it.
    const again = await planned(drainNode, call)
    expect(again).toMatchObject({ prior: { isCordoned: false } })
    await drainNode.undo?.(undoing(call), again)
    expect((await specOf(node)).unschedulable).toBeNull()
  } finally {
    await controlPlane.kubectl(['delete', 'poddisruptionbudget', 'all-stay'])
  }
})
