import { expect } from '@jest/globals'
import { callOf, planned } from '../../e2e/support/calls.ts'
import { testCluster } from '../../e2e/support/test-cluster.ts'
import { auditAlert } from '../../e2e/support/workloads.ts'
import { needs } from '../../scripts/needs.ts'
import type { KubernetesObject } from '../kubernetes/kubernetes.ts'
import { referenceTo } from '../kubernetes/objects.ts'
import { deleteResource } from './delete-resource.ts'

const test = needs('cluster')
const cluster = testCluster()

const podObject = (name: string, uid: string | null = null) =>
  ({ apiGroup: '', resource: 'pods', name, uid }) as const
const secondsAfter = ({ metadata }: KubernetesObject, seconds: number) =>
  new Date(Date.parse(metadata.creationTimestamp ?? '') + seconds * 1000).toISOString()
const gone = { code: 'target_gone' }

test('the object of an audit event is deleted by its UID', async () => {
  const { kubernetes } = cluster
  const pod = await cluster.runPod('doomed', undefined, { terminationGracePeriodSeconds: 0 })
  const alert = auditAlert(podObject('doomed', pod.metadata.uid))
  const call = callOf(deleteResource, { alert, kubernetes })
  const effect = await planned(deleteResource, call)
  await deleteResource.run(call, effect)
  expect(await deleteResource.verify?.(call, effect)).toBe(true)
  await expect(kubernetes.get(referenceTo(pod))).rejects.toMatchObject(gone)
})

test('another under its name stays, told by UID or, where the event has none, by its age', async () => {
  const { kubernetes } = cluster
  const first = await cluster.runPod('again')
  const byUid = callOf(deleteResource, {
    alert: auditAlert(podObject('again', first.metadata.uid)),
    kubernetes,
  })
  const effect = await planned(deleteResource, byUid)
  const second = await cluster.recreate(first)
  await expect(deleteResource.plan(byUid)).rejects.toMatchObject(gone)
  await expect(deleteResource.run(byUid, effect)).rejects.toMatchObject(gone)

  const at = (time: string, verb: string) =>
    callOf(deleteResource, { alert: auditAlert(podObject('again'), { time, verb }), kubernetes })
  for (const seconds of [-60, 0, 0.5])
    await expect(
      deleteResource.plan(at(secondsAfter(second, seconds), 'patch')),
    ).rejects.toMatchObject(gone)
  await expect(deleteResource.plan(at(secondsAfter(second, -60), 'create'))).rejects.toMatchObject(
    gone,
  )
  // It was there before the event, or is what the event made.
  for (const call of [at(secondsAfter(second, 5), 'patch'), at(secondsAfter(second, 0), 'create')])
    expect(await deleteResource.plan(call)).toMatchObject({ kind: 'change' })
})

test('what a policy does not name, and what no policy can name, is refused', async () => {
  const { kubernetes } = cluster
  const parameters = { kinds: ['ConfigMap'] } as const
  const one = auditAlert({ ...podObject('any'), resource: 'configmaps' })
  const plan = (alert: typeof one) =>
    deleteResource.plan(callOf(deleteResource, { alert, kubernetes }))
  await expect(plan(one)).rejects.toMatchObject({ code: 'refused' })
  for (const resource of ['namespaces', 'nodes', 'secrets', 'persistentvolumes', 'widgets'])
    await expect(plan(auditAlert({ ...podObject('any'), resource }))).rejects.toMatchObject({
      code: 'refused',
    })
  for (const kind of [
    'Namespace',
    'Node',
    'Secret',
    'PersistentVolume',
    'CustomResourceDefinition',
  ])
    expect(deleteResource.parameters.safeParse({ kinds: [kind] }).success).toBe(false)

  const made = await kubernetes.create({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'dropped', namespace: 'default', finalizers: ['example.com/keep'] },
  })
  const alert = auditAlert({
    ...podObject('dropped', made?.metadata.uid),
    resource: 'configmaps',
  })
  const call = callOf(deleteResource, {
    alert,
    kubernetes,
    parameters: { kinds: [...parameters.kinds] },
  })
  const { detail } = await deleteResource.plan(call)
  expect(detail).toBe('delete configmap default/dropped; it stays until example.com/keep let it go')
})
