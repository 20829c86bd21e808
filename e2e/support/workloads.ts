/** Workloads of tests against a real API server with controllers, and alerts from their pods. */
import type { Alert } from '../../contract/alert.ts'
import type { KubernetesObject } from '../../responder/kubernetes/kubernetes.ts'
import { podAlert, sampleAlert } from '../../responder/policy/alert.sample.ts'
import { eventually } from './eventually.ts'
import type { TestCluster } from './kubernetes.ts'

export interface WorkloadRequest {
  readonly kind: 'Deployment' | 'StatefulSet' | 'DaemonSet' | 'ReplicaSet'
  readonly name: string
  readonly replicas?: number
  readonly metadata?: Readonly<Record<string, unknown>>
  /** What else its spec is to have. */
  readonly spec?: Readonly<Record<string, unknown>>
}

export const workloadManifest = ({
  kind,
  name,
  replicas = 3,
  metadata = {},
  spec = {},
}: WorkloadRequest) => {
  const labels = { app: name }
  return {
    apiVersion: 'apps/v1',
    kind,
    metadata: { name, namespace: 'default', ...metadata },
    spec: {
      ...(kind === 'DaemonSet' ? {} : { replicas }),
      ...(kind === 'StatefulSet' ? { serviceName: name, podManagementPolicy: 'Parallel' } : {}),
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: { containers: [{ name: 'main', image: 'none:1' }] } },
      ...spec,
    },
  }
}

/** Creates it. */
export async function makeWorkload(
  { kubernetes }: TestCluster,
  request: WorkloadRequest,
): Promise<KubernetesObject> {
  const made = await kubernetes.create(workloadManifest(request))
  if (made === null) throw new Error(`there is a ${request.name}`)
  return made
}

/** One of its pods, once its controller has made it. */
export async function podOfWorkload(
  { kubernetes }: TestCluster,
  { metadata }: KubernetesObject,
): Promise<KubernetesObject> {
  const of = { apiVersion: 'v1', kind: 'Pod', namespace: 'default' }
  const pods = await eventually(
    () => kubernetes.list(of, { labels: `app=${metadata.name}` }),
    (found) => found.length > 0,
  )
  const [pod] = pods
  if (pod === undefined) throw new Error('none')
  return pod
}

/** As its node tells it: the direct owner with its UID, what is above that by name. */
export function alertFrom(pod: KubernetesObject, workload: KubernetesObject): Alert {
  const { name, uid, ownerReferences = [] } = pod.metadata
  const nearest = ownerReferences.map(({ apiVersion, kind, name: owner, uid: ownerUid }) => ({
    apiVersion,
    kind,
    name: owner,
    uid: ownerUid,
  }))
  const isDirect = ownerReferences.some((owner) => owner.uid === workload.metadata.uid)
  const { apiVersion, kind } = workload
  const last = { apiVersion, kind, name: workload.metadata.name, uid: null }
  const owners = isDirect ? nearest : [...nearest, last]
  return podAlert({ uid, name, namespace: 'default', owners })
}

/** The same where no controller has made any pod: an alert from one that this owner would have made. */
export const podInOwner = (owner: KubernetesObject, workload: KubernetesObject): Alert => {
  const { apiVersion, kind, metadata } = owner
  const ownerReferences = [{ apiVersion, kind, name: metadata.name, uid: metadata.uid }]
  const pod = { name: `${metadata.name}-0`, uid: `pod-of-${metadata.uid}`, ownerReferences }
  return alertFrom({ ...owner, metadata: { ...metadata, ...pod } }, workload)
}

/** Of an audit event about an object; the UID as the event has it, or none. */
export const auditAlert = (
  object: Partial<NonNullable<Alert['object']>>,
  { verb = 'patch', time = new Date().toISOString() } = {},
): Alert =>
  sampleAlert({
    process: null,
    place: null,
    source: 'k8s_audit',
    time,
    request: {
      auditId: 'audit-1',
      verb,
      user: 'mallory',
      groups: [],
      impersonated: null,
      sourceIps: [],
      userAgent: 'kubectl',
    },
    object: {
      apiGroup: 'apps',
      apiVersion: 'v1',
      resource: 'deployments',
      subresource: null,
      namespace: 'default',
      name: null,
      uid: null,
      ...object,
    },
  })

/** Of an event some seconds later than now, so that what was made just now is not younger than it. */
export const laterAlert = (object: Partial<NonNullable<Alert['object']>>): Alert =>
  auditAlert(object, { time: new Date(Date.now() + 5000).toISOString() })
