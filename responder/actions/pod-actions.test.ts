import { expect } from '@jest/globals'
import { eventually } from '../../e2e/support/eventually.ts'
import { alertOf, callOf, planned } from '../../e2e/support/calls.ts'
import { testCluster } from '../../e2e/support/test-cluster.ts'
import { needs } from '../../scripts/needs.ts'
import { does } from '../../e2e/support/rights-case.ts'
import type { KubernetesObject } from '../kubernetes/kubernetes.ts'
import { referenceTo } from '../kubernetes/objects.ts'
import { deletePod } from './delete-pod.ts'
import { evictPod } from './evict-pod.ts'
import { isolatePod } from './isolate-pod.ts'
import { labelPod } from './label-pod.ts'

const test = needs('cluster')
/** With controllers, as it is one of them that counts what a disruption budget allows. */
const cluster = testCluster({ controllers: true })

const isThere = async (pod: KubernetesObject) => {
  const of = { apiVersion: 'v1', kind: 'Pod', namespace: 'default' }
  const fields = `metadata.name=${pod.metadata.name}`
  const found = await cluster.kubernetes.list(of, { fields })
  return found.some(({ metadata }) => metadata.uid === pod.metadata.uid)
}

test('a pod is deleted, this very one, and seen to be gone', async () => {
  const { kubernetes } = cluster
  const pod = await cluster.runPod('doomed')
  const call = callOf(deletePod, { alert: alertOf(pod), kubernetes })
  const plan = await deletePod.plan(call)
  expect(plan.detail).toBe('delete pod default/doomed; nothing makes another')
  expect(await isThere(pod)).toBe(true)

  const effect = await planned(deletePod, call)
  await deletePod.run(call, effect)
  expect(await deletePod.verify?.(call, effect)).toBe(true)
  await expect(deletePod.run(call, effect)).rejects.toMatchObject({ code: 'target_gone' })
})

test('the pod that took the name is neither deleted nor evicted', async () => {
  const { kubernetes } = cluster
  const first = await cluster.runPod('replaced')
  const alert = alertOf(first)
  const effects = [
    await planned(deletePod, callOf(deletePod, { alert, kubernetes })),
    await planned(evictPod, callOf(evictPod, { alert, kubernetes })),
  ] as const
  const second = await cluster.recreate(first)

  const gone = { code: 'target_gone' }
  const remove = callOf(deletePod, { alert, kubernetes })
  const evict = callOf(evictPod, { alert, kubernetes })
  await expect(deletePod.plan(remove)).rejects.toMatchObject(gone)
  await expect(deletePod.run(remove, effects[0])).rejects.toMatchObject(gone)
  await expect(evictPod.plan(evict)).rejects.toMatchObject(gone)
  await expect(evictPod.run(evict, effects[1])).rejects.toMatchObject(gone)
  expect(await isThere(second)).toBe(true)
})

/** A static pod's mirror, and alerts about it: its node may know it by the hash of its file, not by the mirror's UID. */
async function staticPod(name: string) {
  const annotations = { 'kubernetes.io/config.mirror': 'hash' }
  const mirror = await cluster.runPod(name, { app: name }, { nodeName: 'n1' }, { annotations })
  const alertBy = (uid: string) => alertOf({ ...mirror, metadata: { ...mirror.metadata, uid } })
  return { mirror, alerts: [alertBy(mirror.metadata.uid), alertBy('hash')] }
}

test('a static pod is labelled and isolated by its mirror, by whichever name its node knows it', async () => {
  const { kubernetes } = cluster
  const { mirror, alerts } = await staticPod('static-marked')
  for (const alert of alerts)
    for (const act of [
      does(labelPod, () => Promise.resolve(alert)),
      does(isolatePod, () => Promise.resolve(alert), { nodeCut: false, verify: 'policy' }),
    ])
      await act.act(kubernetes, 'static-marked')
  const { metadata } = await kubernetes.get(referenceTo(mirror))
  expect(metadata.labels).toEqual({ app: 'static-marked' })
  const [alert] = alerts
  if (alert === undefined) throw new Error('there is one')
  const call = callOf(labelPod, { alert, kubernetes })
  await labelPod.run(call, await planned(labelPod, call))
  expect((await kubernetes.get(referenceTo(mirror))).metadata.labels).toHaveProperty([
    'riposte.dev/state',
  ])
})

test('a static pod is refused where only its node could do it, with why', async () => {
  const { kubernetes } = cluster
  const { alerts } = await staticPod('static-n1')
  for (const alert of alerts) {
    const refusal = { code: 'refused', message: expect.stringContaining('is a static pod') }
    const [remove, evict] = [
      callOf(deletePod, { alert, kubernetes }),
      callOf(evictPod, { alert, kubernetes }),
    ]
    await expect(deletePod.plan(remove)).rejects.toMatchObject(refusal)
    await expect(evictPod.plan(evict)).rejects.toMatchObject(refusal)
  }
})

test('an eviction goes through a disruption budget, or is held by it until it is overridden', async () => {
  const { kubernetes, controlPlane } = cluster
  const labels = { app: 'guarded' }
  const pods = [
    await cluster.runPod('guarded-0', labels),
    await cluster.runPod('guarded-1', labels),
  ]
  for (const { metadata } of pods) {
    const status = { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] }
    const patch = ['patch', 'pod', metadata.name, '--subresource=status', '--type=merge']
    await controlPlane.kubectl([...patch, '-p', JSON.stringify({ status })])
  }
  await controlPlane.apply({
    apiVersion: 'policy/v1',
    kind: 'PodDisruptionBudget',
    metadata: { name: 'one-stays', namespace: 'default' },
    spec: { minAvailable: 1, selector: { matchLabels: labels } },
  })
  await controlPlane.waitFor<{ status?: { disruptionsAllowed?: number } }>(
    '/apis/policy/v1/namespaces/default/poddisruptionbudgets/one-stays',
    (budget) => budget?.status?.disruptionsAllowed === 1,
  )
  const [first, second] = pods.map((pod) => alertOf(pod))
  if (first === undefined || second === undefined) throw new Error('two pods were made')

  const allowed = callOf(evictPod, { alert: first, kubernetes })
  const effect = await planned(evictPod, allowed)
  await evictPod.run(allowed, effect)
  expect(await evictPod.verify?.(allowed, effect)).toBe(true)

  const parameters = { timeoutMs: 1000 }
  const held = callOf(evictPod, { alert: second, kubernetes, parameters })
  const heldPlan = await eventually(
    () => evictPod.plan(held),
    ({ detail }) => detail.includes('held for now'),
  )
  expect(heldPlan.detail).toContain('disruption budget')
  await expect(evictPod.run(held, await planned(evictPod, held))).rejects.toMatchObject({
    code: 'failed',
    retryable: true,
    message: expect.stringContaining('disruption budget'),
  })

  const over = callOf(evictPod, { alert: second, kubernetes, parameters: { overridePdb: true } })
  const done = await evictPod.run(over, await planned(evictPod, over))
  expect(done.detail).toContain('over its disruption budget')
  expect(await evictPod.verify?.(over, done.effect)).toBe(true)
})
