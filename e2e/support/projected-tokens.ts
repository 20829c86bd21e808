/** For tests of trust: nodes, pods and tokens in a real API server, and a responder's view of it with few rights. */
import { randomUUID } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Api, Manifest } from '../cluster/api.ts'
import type { ControlPlane } from '../cluster/control-plane.ts'
import { ActionFailed } from '../../responder/actions/errors.ts'
import type { Kubernetes } from '../../responder/kubernetes/kubernetes.ts'
import { openKubernetes } from '../../responder/kubernetes/open.ts'

export const namespace = 'riposte'
/** What the responder may: exactly what the chart has to give it. */
export const trustRules = [
  { apiGroups: ['authentication.k8s.io'], resources: ['tokenreviews'], verbs: ['create'] },
  { apiGroups: [''], resources: ['pods'], verbs: ['get'] },
]

export async function prepare(cluster: ControlPlane): Promise<void> {
  const meta = (name: string) => ({ name, namespace })
  const account = (name: string) => ({
    apiVersion: 'v1',
    kind: 'ServiceAccount',
    metadata: meta(name),
  })
  await cluster.apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } })
  await cluster.apply(
    ...['detector', 'audit', 'responder', 'other', 'default'].map(account),
    ...['node-a', 'node-b'].map((name) => ({
      apiVersion: 'v1',
      kind: 'Node',
      metadata: { name },
    })),
    {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'ClusterRole',
      metadata: { name: 'riposte-responder' },
      rules: trustRules,
    },
    {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'ClusterRoleBinding',
      metadata: { name: 'riposte-responder' },
      roleRef: {
        apiGroup: 'rbac.authorization.k8s.io',
        kind: 'ClusterRole',
        name: 'riposte-responder',
      },
      subjects: [{ kind: 'ServiceAccount', name: 'responder', namespace }],
    },
  )
}

export interface PodOptions {
  readonly node: string
  readonly serviceAccount?: string
  readonly labels?: Readonly<Record<string, string>>
  readonly ownerReferences?: readonly object[]
}

/** A pod that no kubelet runs; answers its UID. */
export async function makePod(api: Api, name: string, options: PodOptions): Promise<string> {
  const { node, serviceAccount = 'default', labels = {}, ownerReferences = [] } = options
  const made = await api.request<Manifest>('POST', `/api/v1/namespaces/${namespace}/pods`, {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, labels, ownerReferences },
    spec: {
      nodeName: node,
      serviceAccountName: serviceAccount,
      automountServiceAccountToken: false,
      containers: [{ name: 'only', image: 'none' }],
    },
  })
  return String(made.metadata['uid'])
}

export interface TokenOptions {
  readonly account: string
  readonly audience?: string
  /** Null: bound to nothing. */
  readonly pod: { readonly name: string; readonly uid: string } | null
  readonly seconds?: number
}

/** TokenRequest, as the kubelet asks for a projected token. */
export async function tokenOf(
  api: Api,
  { account, audience, pod, seconds = 600 }: TokenOptions,
): Promise<string> {
  const path = `/api/v1/namespaces/${namespace}/serviceaccounts/${account}/token`
  const bound = pod === null ? {} : { boundObjectRef: { apiVersion: 'v1', kind: 'Pod', ...pod } }
  const { status } = await api.request<{ status: { token: string } }>('POST', path, {
    apiVersion: 'authentication.k8s.io/v1',
    kind: 'TokenRequest',
    spec: {
      audiences: audience === undefined ? [] : [audience],
      expirationSeconds: seconds,
      ...bound,
    },
  })
  return status.token
}

/** The two calls that trust makes, with the service account's `token` alone; keeps count, and fails when told to. */
export async function kubernetesAs(controlPlane: ControlPlane, token: string) {
  const state = { calls: [] as string[], isAway: false }
  const cluster = await openKubernetes({
    settings: {
      enabled: 'always',
      kubeconfig: kubeconfigWith(controlPlane, token),
      namespace: null,
      accounts: null,
      labels: {},
      qps: 1000,
      burst: 1000,
    },
    version: '0',
    onCall: () => {},
  })
  const real = cluster.within(new AbortController().signal)
  const note = (call: string) => {
    state.calls.push(call)
    if (state.isAway) throw new ActionFailed('connect ECONNREFUSED', true)
  }
  const kubernetes: Pick<Kubernetes, 'get' | 'request'> = {
    async get(reference) {
      note(`GET ${reference.name}`)
      return real.get(reference)
    },
    async request(method, path, body) {
      note(`${method} ${path}`)
      return real.request(method, path, body)
    },
  }
  return { kubernetes, state, close: () => cluster[Symbol.asyncDispose]() }
}

/** A kubeconfig with `token` and nothing else; its path. */
export function kubeconfigWith({ folder, kubeconfig }: ControlPlane, token: string): string {
  const { server, ca } = kubeconfig
  const cluster = { server, 'certificate-authority-data': Buffer.from(ca).toString('base64') }
  const path = join(folder, `kubeconfig-${randomUUID()}.json`)
  const content = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'c', cluster }],
    users: [{ name: 'u', user: { token } }],
    contexts: [{ name: 'c', context: { cluster: 'c', user: 'u' } }],
    'current-context': 'c',
  }
  writeFileSync(path, JSON.stringify(content), { mode: 0o600 })
  return path
}
