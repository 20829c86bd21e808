/** Pods of a test: made, waited for, entered, read. */
import type { Manifest } from './api.ts'
import type { ControlPlane } from './control-plane.ts'
import { references } from './images.ts'

export interface PodRequest {
  readonly name: string
  /** `default` where left out. */
  readonly namespace?: string
  /** A node's name; the scheduler's choice where left out. */
  readonly node?: string
  readonly image?: string
  /** Sleeps for ever where left out. */
  readonly command?: readonly string[]
  readonly labels?: Readonly<Record<string, string>>
  /** What else its spec is to have. */
  readonly spec?: Readonly<Record<string, unknown>>
  /** What else its container is to have. */
  readonly container?: Readonly<Record<string, unknown>>
}

export interface Pod extends Manifest {
  readonly metadata: {
    readonly name: string
    readonly namespace: string
    readonly uid: string
    readonly labels?: Readonly<Record<string, string>>
    readonly [key: string]: unknown
  }
  readonly spec: { readonly nodeName?: string; readonly [key: string]: unknown }
  readonly status: {
    readonly phase: string
    readonly podIP?: string
    readonly conditions?: readonly { readonly type: string; readonly status: string }[]
    readonly containerStatuses?: readonly ContainerStatus[]
  }
}

interface ContainerStatus {
  readonly name: string
  readonly containerID?: string
  readonly imageID: string
  readonly restartCount: number
}

export interface Pods {
  /** Makes a namespace and resolves once pods can be made in it. */
  readonly makeNamespace: (name: string, labels?: Readonly<Record<string, string>>) => Promise<void>
  /** Resolves once it is Ready. */
  readonly runPod: (request: PodRequest) => Promise<Pod>
  /** Until it is Ready, with what it looks like then. */
  readonly podReady: (name: string, namespace?: string) => Promise<Pod>
  /** Standard output of a program in the pod; throws when it does not end with 0. */
  readonly exec: (pod: Pod, ...argv: readonly string[]) => Promise<string>
  /** Without grace, and resolves once it is gone. */
  readonly deletePod: (pod: Pod) => Promise<void>
}

export function podsOf(cluster: Pick<ControlPlane, 'api' | 'kubectl' | 'waitFor'>): Pods {
  const podReady = (name: string, namespace = 'default') =>
    cluster.waitFor<Pod>(`/api/v1/namespaces/${namespace}/pods/${name}`, isReady)
  const serviceAccountIn = (namespace: string) =>
    cluster.waitFor(`/api/v1/namespaces/${namespace}/serviceaccounts/default`, Boolean)
  return {
    podReady,
    async makeNamespace(name, labels = {}) {
      const namespace = { apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels } }
      await cluster.api.request('POST', '/api/v1/namespaces', namespace)
      await serviceAccountIn(name)
    },
    async runPod(request) {
      const manifest = podManifest(request)
      const { namespace, name } = manifest.metadata
      await serviceAccountIn(namespace)
      await cluster.api.request('POST', `/api/v1/namespaces/${namespace}/pods`, manifest)
      return await podReady(name, namespace)
    },
    exec: ({ metadata }, ...argv) =>
      cluster.kubectl(['exec', '-n', metadata.namespace, metadata.name, '--', ...argv]),
    async deletePod({ metadata }) {
      const path = `/api/v1/namespaces/${metadata.namespace}/pods/${metadata.name}`
      await cluster.api.request('DELETE', path, { gracePeriodSeconds: 0 })
      // A controller may have made another of the same name.
      await cluster.waitFor<Pod>(path, (pod) => pod?.metadata.uid !== metadata.uid)
    },
  }
}

const isReady = (pod: Pod | undefined) =>
  (pod?.status.conditions ?? []).some((each) => each.type === 'Ready' && each.status === 'True')

function podManifest({
  name,
  namespace = 'default',
  node,
  image = references.busybox,
  command = ['sleep', '1000000'],
  labels = {},
  spec = {},
  container = {},
}: PodRequest) {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace, labels },
    spec: {
      // By the scheduler all the same, so that quotas and taints count.
      ...(node === undefined ? {} : { nodeSelector: { 'kubernetes.io/hostname': node } }),
      // sleep as process 1 ignores SIGTERM.
      terminationGracePeriodSeconds: 0,
      containers: [{ name: 'main', image, imagePullPolicy: 'Never', command, ...container }],
      ...spec,
    },
  }
}
