/** The whole responder against a real API server: from an alert to the object, and back. */
import { expect } from '@jest/globals'
import { eventually } from '../../e2e/support/eventually.ts'
import { alertOf } from '../../e2e/support/calls.ts'
import { share } from '../../e2e/support/shared.ts'
import { testCluster } from '../../e2e/support/test-cluster.ts'
import { needs } from '../../scripts/needs.ts'
import { SampleNode, startSample, until, type Sample } from '../start.sample.ts'
import type { KubernetesObject } from './kubernetes.ts'
import { entriesPatch } from './map-patch.ts'
import { referenceTo } from './objects.ts'

const test = needs('cluster')

const policy = (name: string, mode: string, what: string) => `apiVersion: riposte.dev/v1alpha1
kind: ClusterResponsePolicy
metadata: { name: ${name} }
spec:
  mode: ${mode}
  match: { rules: { names: [${name}] } }
  ladder: [{ name: one, do: [${what}], undo: { ttl: 1h } }]
`
const policies = {
  'all.yaml': [
    policy('marks', 'enforce', 'label_pod'),
    policy('watches', 'audit', 'isolate_pod'),
    policy('cuts', 'enforce', 'isolate_pod: { verify: policy }'),
  ].join('---\n'),
}

const cluster = testCluster()
let sample: Sample
let node: SampleNode

share(['cluster'], async (stack) => {
  const { path } = cluster.controlPlane.kubeconfig
  sample = stack.use(await startSample(policies, { kubernetes: { kubeconfig: path } }))
  node = stack.use(new SampleNode(sample))
  node.start(({ operation }) => ({
    status: operation === 'plan' ? 'planned' : 'done',
    detail: `${operation} on the node`,
  }))
})

const now = (object: KubernetesObject) => cluster.kubernetes.get(referenceTo(object))
let alerts = 0

/** Posts an alert of this rule about the pod, and waits for how its step ended. */
async function answered(rule: string, pod: KubernetesObject) {
  const id = String(++alerts).padStart(32, '0')
  const alert = alertOf(pod)
  // Each of a process of its own, so that each is a case of its own.
  const process = alert.process && { ...alert.process, startTimeNs: String(alerts) }
  await node.alerts({ ...alert, id, rule, process })
  return until(async () => {
    const { body } = await sample.call('GET', `/v1/alerts/${id}`)
    const [decision] = body.decisions
    return decision?.outcome === null ? undefined : decision
  })
}

async function undone(stepId: string) {
  await sample.call('POST', `/v1/containments/${stepId}/undo`, { reason: 'it was us' })
  return until(async () => {
    const { body } = await sample.call('GET', '/v1/containments?all=true')
    const found = body.containments.find(({ id }: { id: string }) => id === stepId)
    return ['live', 'undoing'].includes(found?.status) ? undefined : found?.status
  })
}

test('an alert labels its pod, seen to be so; undo takes the label away again', async () => {
  const pod = await cluster.runPod('marked')
  const { outcome, stepId } = await answered('marks', pod)
  expect(outcome).toMatchObject({ status: 'done', code: 'verified' })
  expect((await now(pod)).metadata.labels).toEqual({ 'riposte.dev/state': 'suspect' })
  expect(await undone(stepId)).toBe('undone')
  expect((await now(pod)).metadata.labels).toBeUndefined()
})

test('what somebody changed since ends its undo as a conflict', async () => {
  const pod = await cluster.runPod('cleared')
  const { stepId } = await answered('marks', pod)
  const operations = entriesPatch(await now(pod), 'labels', { 'riposte.dev/state': 'cleared' })
  await cluster.kubernetes.patch(referenceTo(pod), operations)
  expect(await undone(stepId)).toBe('conflict')
})

test('I3 a pod recreated between alert and action is ignored', async () => {
  const first = await cluster.runPod('reborn')
  const second = await cluster.recreate(first)
  const { outcome } = await answered('marks', first)
  expect(outcome).toMatchObject({ status: 'ignored', code: 'target_gone' })
  expect((await now(second)).metadata.labels).toBeUndefined()
})

test('in audit everything is asked, the API server by dry run, and nothing is changed', async () => {
  const pod = await cluster.runPod('watched')
  const { outcome } = await answered('watches', pod)
  expect(outcome).toMatchObject({
    status: 'would',
    detail: expect.stringContaining('cut ingress and egress of pod default/watched'),
  })
  expect((await now(pod)).metadata.resourceVersion).toBe(pod.metadata.resourceVersion)
})

test('an isolation goes to the node as well, and comes back from both', async () => {
  const pod = await cluster.runPod('cut')
  const { outcome, stepId } = await answered('cuts', pod)
  expect(outcome).toMatchObject({
    status: 'done',
    code: 'verified',
    detail: expect.stringContaining('by its node and by networkpolicy'),
  })
  expect(await undone(stepId)).toBe('undone')
  const orders = node.verdicts.filter(({ action }) => action === 'block_network')
  expect(orders.map(({ operation }) => operation)).toEqual([
    // Of the policy in audit, too.
    'plan',
    'plan',
    'run',
    'verify',
    'undo',
  ])
})

test('calls are counted by verb and code', async () => {
  const { body } = await sample.call('GET', '/metrics')
  expect(body).toMatch(/riposte_kubernetes_requests_total\{verb="patch",code="200"\} \d+/)
})

test('a responder that lacks rights says so for each action that its policies name', async () => {
  const pods = { apiGroups: [''], resources: ['pods'], verbs: ['get', 'patch', 'delete'] }
  const kubeconfig = await cluster.kubeconfigWith('half', [pods])
  const half = await startSample(policies, { kubernetes: { kubeconfig } })
  try {
    const degraded = await eventually(
      () => Promise.resolve(half.responder.degraded()),
      ({ length }) => length > 0,
    )
    expect(degraded).toEqual([
      'isolate_pod will fail: no right to list networkpolicies.networking.k8s.io, get networkpolicies.networking.k8s.io, create networkpolicies.networking.k8s.io, delete networkpolicies.networking.k8s.io',
    ])
    await eventually(
      () => Promise.resolve(half.told.join('')),
      (told) => told.includes('more rights than the actions need: delete pods'),
    )
  } finally {
    await half[Symbol.asyncDispose]()
  }
})
