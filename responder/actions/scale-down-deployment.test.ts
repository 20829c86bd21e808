import { expect } from '@jest/globals'
import { eventually } from '../../e2e/support/eventually.ts'
import { kedaDefinition } from '../../e2e/support/keda.ts'
import { callOf, planned, undoing } from '../../e2e/support/calls.ts'
import { testCluster } from '../../e2e/support/test-cluster.ts'
import {
  alertFrom,
  auditAlert,
  makeWorkload,
  podOfWorkload,
  type WorkloadRequest,
} from '../../e2e/support/workloads.ts'
import { needs } from '../../scripts/needs.ts'
import { valueAt } from '../kubernetes/changes.ts'
import type { KubernetesObject } from '../kubernetes/kubernetes.ts'
import { referenceTo } from '../kubernetes/objects.ts'
import { scaleDownDeployment } from './scale-down-deployment.ts'

const test = needs('cluster')
const cluster = testCluster({ controllers: true })

const now = (object: KubernetesObject) => cluster.kubernetes.get(referenceTo(object))
const replicasOf = async (object: KubernetesObject) => valueAt(await now(object), '/spec/replicas')

/** A workload whose pods are there, and an alert from one of them. */
async function attacked(request: WorkloadRequest) {
  const workload = await makeWorkload(cluster, request)
  const pod = await podOfWorkload(cluster, workload)
  return { workload, pod, alert: alertFrom(pod, workload) }
}

async function hpaFor(workload: KubernetesObject, spec: Readonly<Record<string, unknown>>) {
  const { apiVersion, kind, metadata } = workload
  const made = await cluster.kubernetes.create({
    apiVersion: 'autoscaling/v2',
    kind: 'HorizontalPodAutoscaler',
    metadata: { name: metadata.name, namespace: 'default' },
    spec: { scaleTargetRef: { apiVersion, kind, name: metadata.name }, ...spec },
  })
  if (made === null) throw new Error('there is one')
  return made
}

test.each(['Deployment', 'StatefulSet', 'ReplicaSet'] as const)(
  'a %s goes to no pods, as its status says, and back',
  async (kind) => {
    const { kubernetes } = cluster
    const { workload, alert } = await attacked({ kind, name: `down-${kind.toLowerCase()}` })
    const call = callOf(scaleDownDeployment, { alert, kubernetes })
    const plan = await scaleDownDeployment.plan(call)
    const path = `${kind.toLowerCase()} default/${workload.metadata.name}`
    expect(plan.detail).toBe(`scale ${path} from 3 to 0`)
    expect(await replicasOf(workload)).toBe(3)

    const effect = await planned(scaleDownDeployment, call)
    await scaleDownDeployment.run(call, effect)
    expect(await scaleDownDeployment.verify?.(call, effect)).toBe(true)
    const down = await now(workload)
    expect(valueAt(down, '/status/replicas') ?? 0).toBe(0)
    const notes = Object.entries(down.metadata.annotations ?? {}).filter(([, text]) =>
      text.includes(call.stepId),
    )
    expect(notes).toEqual([
      [
        expect.stringMatching(/^riposte\.dev\/scale-down-deployment\./),
        expect.stringContaining('"was":3'),
      ],
    ])
    // The queue may try what is done already.
    await scaleDownDeployment.run(call, effect)
    expect(await scaleDownDeployment.plan(call)).toMatchObject({ kind: 'already_done' })

    await scaleDownDeployment.undo?.(undoing(call), effect)
    const up = await now(workload)
    expect(valueAt(up, '/spec/replicas')).toBe(3)
    expect(JSON.stringify(up.metadata.annotations ?? {})).not.toContain(call.stepId)
  },
)

test('a pod that left its workload, or is gone, still leads to it by the UID of its owner', async () => {
  const { kubernetes } = cluster
  const { workload, pod, alert } = await attacked({ kind: 'Deployment', name: 'left' })
  const labels = { op: 'replace', path: '/metadata/labels', value: { app: 'isolated' } } as const
  await kubernetes.patch(referenceTo(pod), [labels])
  await eventually(
    () => now(pod),
    ({ metadata }) => metadata.ownerReferences === undefined,
  )
  const call = callOf(scaleDownDeployment, { alert, kubernetes })
  expect(await scaleDownDeployment.plan(call)).toMatchObject({ kind: 'change' })
  await kubernetes.delete(referenceTo(pod), { graceSeconds: 0 })
  await scaleDownDeployment.run(call, await planned(scaleDownDeployment, call))
  expect(await replicasOf(workload)).toBe(0)
})

test('a workload made anew under the same name is left alone', async () => {
  const { kubernetes } = cluster
  const { workload, alert } = await attacked({ kind: 'Deployment', name: 'anew' })
  const call = callOf(scaleDownDeployment, { alert, kubernetes })
  const effect = await planned(scaleDownDeployment, call)
  await kubernetes.delete(referenceTo(workload), { propagation: 'Background' })
  const second = await makeWorkload(cluster, { kind: 'Deployment', name: 'anew' })

  const gone = { code: 'target_gone' }
  await expect(scaleDownDeployment.run(call, effect)).rejects.toMatchObject(gone)
  await expect(scaleDownDeployment.undo?.(undoing(call), effect)).rejects.toMatchObject(gone)
  await eventually(
    () => scaleDownDeployment.plan(call).catch((error: unknown) => error),
    (found) => found instanceof Error && 'code' in found && found.code === 'target_gone',
  )
  const audit = auditAlert({ name: 'anew' }, { time: '2026-01-01T00:00:00.000000Z' })
  const byName = callOf(scaleDownDeployment, { alert: audit, kubernetes })
  await expect(scaleDownDeployment.plan(byName)).rejects.toMatchObject(gone)
  expect(await replicasOf(second)).toBe(3)
})

test('undo leaves what somebody scaled since as he left it', async () => {
  const { kubernetes } = cluster
  const { workload, alert } = await attacked({ kind: 'Deployment', name: 'contested' })
  const call = callOf(scaleDownDeployment, { alert, kubernetes })
  const effect = await planned(scaleDownDeployment, call)
  const scale = async (value: number) => {
    const replicas = { op: 'replace', path: '/spec/replicas', value } as const
    await kubernetes.patch(referenceTo(workload), [replicas])
  }
  await scale(5)
  const changed = { code: 'refused', message: expect.stringContaining('was changed since') }
  await expect(scaleDownDeployment.run(call, effect)).rejects.toMatchObject(changed)
  await scale(3)
  await scaleDownDeployment.run(call, effect)
  await scale(1)
  await expect(scaleDownDeployment.undo?.(undoing(call), effect)).rejects.toMatchObject(changed)
  expect(await scaleDownDeployment.verify?.(call, effect)).toBe(false)
  expect(await replicasOf(workload)).toBe(1)
})

test('an HPA is capped while the workload is down, and restored', async () => {
  const { kubernetes } = cluster
  const { workload, alert } = await attacked({ kind: 'Deployment', name: 'scaled', replicas: 4 })
  const hpa = await hpaFor(workload, { minReplicas: 2, maxReplicas: 9 })
  const call = callOf(scaleDownDeployment, { alert, kubernetes, parameters: { to: 1 } })
  const plan = await scaleDownDeployment.plan(call)
  expect(plan.detail).toContain('; horizontalpodautoscaler scaled is capped at 1')
  expect(await now(hpa)).toMatchObject({ spec: { minReplicas: 2, maxReplicas: 9 } })

  const effect = await planned(scaleDownDeployment, call)
  await scaleDownDeployment.run(call, effect)
  expect(await now(hpa)).toMatchObject({ spec: { minReplicas: 1, maxReplicas: 1 } })
  expect(await scaleDownDeployment.verify?.(call, effect)).toBe(true)

  await scaleDownDeployment.undo?.(undoing(call), effect)
  expect(await now(hpa)).toMatchObject({ spec: { minReplicas: 2, maxReplicas: 9 } })
  expect(await replicasOf(workload)).toBe(4)
})

test('where the HPA was changed since, undo restores neither it nor the replicas', async () => {
  const { kubernetes } = cluster
  const { workload, alert } = await attacked({ kind: 'Deployment', name: 'tuned' })
  const hpa = await hpaFor(workload, { maxReplicas: 9 })
  const call = callOf(scaleDownDeployment, { alert, kubernetes, parameters: { to: 1 } })
  const effect = await planned(scaleDownDeployment, call)
  await scaleDownDeployment.run(call, effect)
  await kubernetes.patch(referenceTo(hpa), [{ op: 'replace', path: '/spec/maxReplicas', value: 2 }])
  await expect(scaleDownDeployment.undo?.(undoing(call), effect)).rejects.toMatchObject({
    code: 'refused',
    message: expect.stringContaining('horizontalpodautoscaler'),
  })
  expect(await replicasOf(workload)).toBe(1)

  // One that is gone altogether is in nobody's way.
  await kubernetes.delete(referenceTo(hpa))
  const done = await scaleDownDeployment.undo?.(undoing(call), effect)
  expect(done?.detail).toContain('horizontalpodautoscaler default/tuned is gone')
  expect(await replicasOf(workload)).toBe(3)
})

test('Flux is told to leave the object alone; of Argo CD it is said that it may undo this', async () => {
  const { kubernetes } = cluster
  const disabled = { 'kustomize.toolkit.fluxcd.io/reconcile': 'disabled' }
  const flux = await attacked({
    kind: 'Deployment',
    name: 'flux',
    metadata: { labels: { 'kustomize.toolkit.fluxcd.io/name': 'apps' } },
  })
  const call = callOf(scaleDownDeployment, { alert: flux.alert, kubernetes })
  const plan = await scaleDownDeployment.plan(call)
  expect(plan.detail).toContain("; Flux's kustomization apps is told to leave it")
  const effect = await planned(scaleDownDeployment, call)
  await scaleDownDeployment.run(call, effect)
  expect((await now(flux.workload)).metadata.annotations).toMatchObject(disabled)
  await scaleDownDeployment.undo?.(undoing(call), effect)
  expect((await now(flux.workload)).metadata.annotations).not.toMatchObject(disabled)

  const warned = callOf(scaleDownDeployment, {
    alert: flux.alert,
    kubernetes,
    parameters: { gitops: 'warn' },
  })
  expect((await scaleDownDeployment.plan(warned)).detail).toContain('apps may undo this')

  const argo = await attacked({
    kind: 'Deployment',
    name: 'argo',
    metadata: { annotations: { 'argocd.argoproj.io/tracking-id': 'shop:apps/Deployment:x/y' } },
  })
  const { detail } = await scaleDownDeployment.plan(
    callOf(scaleDownDeployment, { alert: argo.alert, kubernetes }),
  )
  expect(detail).toContain("; Argo CD's shop may undo this")
})

test("KEDA's object is paused and resumed", async () => {
  const { controlPlane } = cluster
  await controlPlane.apply(kedaDefinition)
  const { workload, alert } = await attacked({ kind: 'Deployment', name: 'keda' })
  const api = '/apis/keda.sh/v1alpha1'
  await controlPlane.waitFor(api, (found) => found !== undefined)
  await controlPlane.apply({
    apiVersion: 'keda.sh/v1alpha1',
    kind: 'ScaledObject',
    metadata: { name: 'keda', namespace: 'default' },
    spec: { scaleTargetRef: { name: 'keda' } },
  })
  const annotations = async () =>
    (
      await controlPlane.waitFor<KubernetesObject>(
        `${api}/namespaces/default/scaledobjects/keda`,
        (found) => found !== undefined,
      )
    ).metadata.annotations ?? {}
  // Whoever looked before the definition came keeps his answer for a minute: another responder looks anew.
  const rights = await cluster.withRights('scaler', scaleDownDeployment.rbac)
  const call = callOf(scaleDownDeployment, { alert, kubernetes: rights })
  const effect = await planned(scaleDownDeployment, call)
  await scaleDownDeployment.run(call, effect)
  const key = 'autoscaling.keda.sh/paused-replicas'
  expect(await annotations()).toMatchObject({ [key]: '0' })
  expect(await replicasOf(workload)).toBe(0)
  await scaleDownDeployment.undo?.(undoing(call), effect)
  expect(await annotations()).not.toHaveProperty([key])
})

test('a DaemonSet is refused by name', async () => {
  const { kubernetes } = cluster
  const alert = auditAlert({ resource: 'daemonsets', name: 'agent' })
  const call = callOf(scaleDownDeployment, { alert, kubernetes })
  await expect(scaleDownDeployment.plan(call)).rejects.toMatchObject({
    code: 'refused',
    message: 'daemonset default/agent is none of Deployment, StatefulSet, ReplicaSet',
  })
})
