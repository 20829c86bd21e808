/** What actions on workloads are shown to need, each verb of it: on an API server without controllers. */
import { z } from 'zod'
import type { Alert } from '../../contract/alert.ts'
import { rolloutRestart } from '../../responder/actions/rollout-restart.ts'
import { rolloutUndo } from '../../responder/actions/rollout-undo.ts'
import { scaleDownDeployment } from '../../responder/actions/scale-down-deployment.ts'
import { suspendCronjob } from '../../responder/actions/suspend-cronjob.ts'
import type { KubernetesObject } from '../../responder/kubernetes/kubernetes.ts'
import { kedaDefinition } from './keda.ts'
import type { TestCluster } from './kubernetes.ts'
import { does, doesAll, type RightsCase } from './rights-case.ts'
import {
  laterAlert,
  makeWorkload,
  podInOwner,
  workloadManifest,
  type WorkloadRequest,
} from './workloads.ts'

export function workloadRights(cluster: TestCluster): readonly RightsCase[] {
  /** As its controller would say of it. */
  const settled = async (request: WorkloadRequest): Promise<KubernetesObject> => {
    const made = await makeWorkload(cluster, request)
    const { apiVersion, kind, metadata } = made
    const reference = { apiVersion, kind, name: metadata.name, namespace: 'default', uid: null }
    return cluster.kubernetes.patch(
      reference,
      [{ op: 'add', path: '/status', value: { observedGeneration: 99, replicas: 0 } }],
      {
        subresource: 'status',
      },
    )
  }
  const onDeployment = async (name: string): Promise<Alert> => {
    const deployment = await settled({ kind: 'Deployment', name })
    const { uid } = deployment.metadata
    const owner = { apiVersion: 'apps/v1', kind: 'Deployment', name, uid, controller: true }
    const metadata = { ownerReferences: [owner] }
    const set = await makeWorkload(cluster, { kind: 'ReplicaSet', name, metadata })
    return podInOwner(set, deployment)
  }
  const onAutoscaled = async (name: string): Promise<Alert> => {
    const alert = await onDeployment(name)
    await cluster.kubernetes.create({
      apiVersion: 'autoscaling/v2',
      kind: 'HorizontalPodAutoscaler',
      metadata: { name, namespace: 'default' },
      spec: { scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name }, maxReplicas: 9 },
    })
    const { controlPlane } = cluster
    await controlPlane.apply(kedaDefinition)
    await controlPlane.waitFor('/apis/keda.sh/v1alpha1', Boolean)
    await controlPlane.apply({
      apiVersion: 'keda.sh/v1alpha1',
      kind: 'ScaledObject',
      metadata: { name, namespace: 'default' },
      spec: { scaleTargetRef: { name } },
    })
    return alert
  }
  const onObject = (kind: WorkloadRequest['kind'], resource: string) => async (name: string) => {
    await settled({ kind, name })
    return laterAlert({ resource, name })
  }
  /** Its template and one before it, as its controller would keep them. */
  const onRevised =
    (kind: 'StatefulSet' | 'DaemonSet', resource: string) =>
    async (name: string): Promise<Alert> => {
      const { metadata, spec } = await settled({ kind, name })
      const { uid } = metadata
      const template = templateSchema.parse(spec).template
      const owner = { apiVersion: 'apps/v1', kind, name, uid, controller: true }
      for (const revision of [1, 2])
        await cluster.kubernetes.create({
          apiVersion: 'apps/v1',
          kind: 'ControllerRevision',
          metadata: {
            name: `${name}-${revision}`,
            namespace: 'default',
            labels: { app: name },
            ownerReferences: [owner],
          },
          revision,
          data: {
            spec: {
              template: { ...(revision === 1 ? former(template) : template), $patch: 'replace' },
            },
          },
        })
      return laterAlert({ resource, name })
    }
  const onRevisedDeployment = async (name: string): Promise<Alert> => {
    const deployment = await settled({ kind: 'Deployment', name })
    const { uid } = deployment.metadata
    const owner = { apiVersion: 'apps/v1', kind: 'Deployment', name, uid, controller: true }
    const { template } = templateSchema.parse(workloadManifest({ kind: 'ReplicaSet', name }).spec)
    for (const revision of [1, 2])
      await makeWorkload(cluster, {
        kind: 'ReplicaSet',
        name: `${name}-${revision}`,
        metadata: {
          labels: { app: name },
          ownerReferences: [owner],
          annotations: { 'deployment.kubernetes.io/revision': `${revision}` },
        },
        spec: {
          selector: { matchLabels: { app: name } },
          template: revision === 1 ? former(template) : template,
        },
      })
    return laterAlert({ resource: 'deployments', name })
  }
  const onJobs = (kind: 'Job' | 'CronJob', resource: string) => async (name: string) => {
    const template = {
      spec: { restartPolicy: 'Never', containers: [{ name: 'main', image: 'none' }] },
    }
    const spec =
      kind === 'Job' ? { template } : { schedule: '0 0 1 1 *', jobTemplate: { spec: { template } } }
    const metadata = { name, namespace: 'default' }
    await cluster.kubernetes.create({ apiVersion: 'batch/v1', kind, metadata, spec })
    return laterAlert({ apiGroup: 'batch', resource, name })
  }
  return [
    doesAll([
      does(scaleDownDeployment, onAutoscaled, { to: 1 }),
      does(scaleDownDeployment, onObject('StatefulSet', 'statefulsets')),
      does(scaleDownDeployment, onObject('ReplicaSet', 'replicasets')),
    ]),
    doesAll([
      does(rolloutRestart, onDeployment),
      does(rolloutRestart, onObject('StatefulSet', 'statefulsets')),
      does(rolloutRestart, onObject('DaemonSet', 'daemonsets')),
    ]),
    doesAll([
      does(rolloutUndo, onRevisedDeployment),
      does(rolloutUndo, onRevised('StatefulSet', 'statefulsets')),
      does(rolloutUndo, onRevised('DaemonSet', 'daemonsets')),
    ]),
    doesAll([
      does(suspendCronjob, onJobs('CronJob', 'cronjobs')),
      does(suspendCronjob, onJobs('Job', 'jobs')),
    ]),
  ]
}

const templateSchema = z.looseObject({ template: z.record(z.string(), z.unknown()) })

/** The same with another image. */
const former = (template: Readonly<Record<string, unknown>>): Record<string, unknown> =>
  z
    .record(z.string(), z.unknown())
    .parse(JSON.parse(JSON.stringify(template).replaceAll('none:1', 'none:0')))
