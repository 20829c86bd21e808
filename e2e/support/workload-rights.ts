/** What actions on workloads are shown to need, each verb of it: on an API server without controllers. */
import type { Alert } from '../../contract/alert.ts'
import { scaleDownDeployment } from '../../responder/actions/scale-down-deployment.ts'
import type { KubernetesObject } from '../../responder/kubernetes/kubernetes.ts'
import { kedaDefinition } from './keda.ts'
import type { TestCluster } from './kubernetes.ts'
import { does, doesAll, type RightsCase } from './rights-case.ts'
import { auditAlert, makeWorkload, podInOwner, type WorkloadRequest } from './workloads.ts'

export function workloadRights(cluster: () => TestCluster): readonly RightsCase[] {
  /** As its controller would say of it. */
  const settled = async (request: WorkloadRequest): Promise<KubernetesObject> => {
    const made = await makeWorkload(cluster(), request)
    const { apiVersion, kind, metadata } = made
    const reference = { apiVersion, kind, name: metadata.name, namespace: 'default', uid: null }
    return cluster().kubernetes.patch(
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
    const set = await makeWorkload(cluster(), { kind: 'ReplicaSet', name, metadata })
    return podInOwner(set, deployment)
  }
  const onAutoscaled = async (name: string): Promise<Alert> => {
    const alert = await onDeployment(name)
    await cluster().kubernetes.create({
      apiVersion: 'autoscaling/v2',
      kind: 'HorizontalPodAutoscaler',
      metadata: { name, namespace: 'default' },
      spec: { scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name }, maxReplicas: 9 },
    })
    const { controlPlane } = cluster()
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
    // A second later, so that it is not younger than the event.
    return auditAlert({ resource, name }, { time: new Date(Date.now() + 5000).toISOString() })
  }
  return [
    doesAll([
      does(scaleDownDeployment, onAutoscaled, { to: 1 }),
      does(scaleDownDeployment, onObject('StatefulSet', 'statefulsets')),
      does(scaleDownDeployment, onObject('ReplicaSet', 'replicasets')),
    ]),
  ]
}
