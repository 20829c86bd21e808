/** What actions on other objects and in pods are shown to need, each verb of it: on an API server without any kubelet. */
import type { Alert } from '../../contract/alert.ts'
import { checkpointContainer } from '../../responder/actions/checkpoint-container.ts'
import { createJob } from '../../responder/actions/create-job.ts'
import { deleteResource } from '../../responder/actions/delete-resource.ts'
import { execInPod } from '../../responder/actions/exec-in-pod.ts'
import { getLogs } from '../../responder/actions/get-logs.ts'
import { revokeServiceAccountTokens } from '../../responder/actions/revoke-service-account-tokens.ts'
import { podAlert, sampleAlert } from '../../responder/policy/alert.sample.ts'
import { podOf, testSettings, type TestCluster } from './kubernetes.ts'
import { does, doesAll, doesUntil, type RightsCase } from './rights-case.ts'
import { laterAlert, workloadManifest } from './workloads.ts'

const authorization = 'rbac.authorization.k8s.io'

export function objectRights(cluster: TestCluster): readonly RightsCase[] {
  const create = async (object: Readonly<Record<string, unknown>>) => {
    await cluster.kubernetes.create(object)
  }
  const onObject =
    (apiGroup: string, kind: string, resource: string, rest: (name: string) => object) =>
    async (name: string): Promise<Alert> => {
      const apiVersion = apiGroup === '' ? 'v1' : `${apiGroup}/v1`
      const namespace = resource.startsWith('cluster') ? null : 'default'
      const metadata = { name, ...(namespace === null ? {} : { namespace }) }
      await create({ apiVersion, kind, metadata, ...rest(name) })
      return laterAlert({ apiGroup, resource, namespace, name })
    }
  const onWorkload = (kind: Parameters<typeof workloadManifest>[0]['kind'], resource: string) =>
    onObject('apps', kind, resource, (name) => ({ spec: workloadManifest({ kind, name }).spec }))
  const onRunning = async (name: string): Promise<Alert> => {
    const { metadata } = await cluster.runPod(name, {}, { nodeName: 'no-such-node' })
    const running = { running: { startedAt: '2026-01-01T00:00:00Z' } }
    const main = { name: 'main', image: 'none', imageID: '', ready: true, restartCount: 0 }
    const containerStatuses = [{ ...main, state: running }]
    const pod = { apiVersion: 'v1', kind: 'Pod', namespace: 'default', name, uid: null }
    const status = {
      op: 'add',
      path: '/status/containerStatuses',
      value: containerStatuses,
    } as const
    await cluster.kubernetes.patch(pod, [status], { subresource: 'status' })
    return podAlert({ uid: metadata.uid, name, namespace: 'default', owners: [] })
  }
  const withTemplate = async (name: string): Promise<Alert> => {
    const { namespace } = testSettings
    await create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } })
    await create({
      apiVersion: 'batch/v1',
      kind: 'CronJob',
      metadata: { name: 'template', namespace },
      spec: { schedule: '0 0 1 1 *', suspend: true, jobTemplate: { spec: jobSpec } },
    })
    return { ...sampleAlert(), rule: name }
  }
  /** Bound by both kinds of binding to both kinds of role. */
  const onBound = async (name: string): Promise<Alert> => {
    const namespace = 'default'
    const rules = [{ apiGroups: ['example.com'], resources: ['things'], verbs: ['get'] }]
    const serviceAccount = `${name}-thief`
    const subjects = [{ kind: 'ServiceAccount', name: serviceAccount, namespace }]
    const apiVersion = `${authorization}/v1`
    const roleRef = (kind: string) => ({ apiGroup: authorization, kind, name: `${name}-role` })
    const role = { name: `${name}-role` }
    await create({ apiVersion, kind: 'Role', metadata: { ...role, namespace }, rules })
    await create({ apiVersion, kind: 'ClusterRole', metadata: role, rules })
    const binding = { apiVersion, subjects, metadata: { name: `${name}-binding` } }
    await create({
      ...binding,
      kind: 'RoleBinding',
      metadata: { ...binding.metadata, namespace },
      roleRef: roleRef('Role'),
    })
    await create({ ...binding, kind: 'ClusterRoleBinding', roleRef: roleRef('ClusterRole') })
    return podAlert({ namespace, serviceAccount, owners: [] })
  }

  return [
    doesUntil('failed', does(execInPod, onRunning, { argv: ['true'] })),
    does(getLogs, onRunning),
    doesUntil('refused', does(checkpointContainer, onRunning)),
    does(createJob, withTemplate, { template: 'template' }),
    does(revokeServiceAccountTokens, onBound),
    doesAll([
      does(
        deleteResource,
        onObject('', 'Pod', 'pods', (name) => ({ spec: podOf(name).spec })),
      ),
      does(deleteResource, onWorkload('Deployment', 'deployments')),
      does(deleteResource, onWorkload('ReplicaSet', 'replicasets')),
      does(deleteResource, onWorkload('StatefulSet', 'statefulsets')),
      does(deleteResource, onWorkload('DaemonSet', 'daemonsets')),
      does(
        deleteResource,
        onObject('batch', 'Job', 'jobs', () => ({ spec: jobSpec })),
      ),
      does(
        deleteResource,
        onObject('batch', 'CronJob', 'cronjobs', () => ({
          spec: { schedule: '0 0 1 1 *', jobTemplate: { spec: jobSpec } },
        })),
      ),
      does(
        deleteResource,
        onObject('', 'Service', 'services', () => ({ spec: { ports: [{ port: 80 }] } })),
        kinds('Service'),
      ),
      does(
        deleteResource,
        onObject('', 'ConfigMap', 'configmaps', () => ({})),
        kinds('ConfigMap'),
      ),
      does(
        deleteResource,
        onObject('', 'ServiceAccount', 'serviceaccounts', () => ({})),
        kinds('ServiceAccount'),
      ),
      does(
        deleteResource,
        onObject('networking.k8s.io', 'Ingress', 'ingresses', () => ({
          spec: { defaultBackend: { service: { name: 'x', port: { number: 80 } } } },
        })),
        kinds('Ingress'),
      ),
      does(
        deleteResource,
        onObject('networking.k8s.io', 'NetworkPolicy', 'networkpolicies', () => ({
          spec: { podSelector: {} },
        })),
        kinds('NetworkPolicy'),
      ),
      does(
        deleteResource,
        onObject(authorization, 'Role', 'roles', () => ({})),
        { kinds: ['Role'] },
      ),
      does(
        deleteResource,
        onObject(authorization, 'ClusterRole', 'clusterroles', () => ({})),
        {
          kinds: ['ClusterRole'],
        },
      ),
      does(deleteResource, onObject(authorization, 'RoleBinding', 'rolebindings', roleRefOf), {
        kinds: ['RoleBinding'],
      }),
      does(
        deleteResource,
        onObject(authorization, 'ClusterRoleBinding', 'clusterrolebindings', roleRefOf),
        { kinds: ['ClusterRoleBinding'] },
      ),
    ]),
  ]
}

const kinds = (kind: 'Service' | 'ConfigMap' | 'ServiceAccount' | 'Ingress' | 'NetworkPolicy') => ({
  kinds: [kind],
})

const roleRefOf = (name: string) => ({
  roleRef: { apiGroup: authorization, kind: 'ClusterRole', name },
})

const jobSpec = {
  template: { spec: { restartPolicy: 'Never', containers: [{ name: 'main', image: 'none' }] } },
}
