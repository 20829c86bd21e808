/** A real API server for tests of the responder, and what they ask of it. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import type { Action } from '../../responder/actions/action.ts'
import type { Kubernetes, KubernetesObject } from '../../responder/kubernetes/kubernetes.ts'
import { referenceTo } from '../../responder/kubernetes/objects.ts'
import { openKubernetes } from '../../responder/kubernetes/open.ts'
import { missingRights } from '../../responder/kubernetes/rights.ts'
import {
  startControlPlane,
  type ControlPlane,
  type ControlPlaneOptions,
} from '../cluster/control-plane.ts'
import { eventually } from './eventually.ts'

/** A pod that no scheduler takes: enough for what the API server judges. */
export const podOf = (
  name: string,
  labels?: Readonly<Record<string, string>>,
  spec: Readonly<Record<string, unknown>> = {},
  metadata: Readonly<Record<string, unknown>> = {},
) => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: {
    name,
    namespace: 'default',
    ...(labels === undefined ? {} : { labels }),
    ...metadata,
  },
  spec: {
    schedulerName: 'nobody',
    containers: [{ name: 'main', image: 'none' }],
    ...spec,
  },
})

interface Started {
  readonly controlPlane: ControlPlane
  readonly kubernetes: Kubernetes
}

/** A control plane and the responder's own client for it. Pods need no service account there. */
export class TestCluster implements AsyncDisposable {
  readonly #running = new AsyncDisposableStack()
  #started: Started | undefined

  async start(options: ControlPlaneOptions = {}): Promise<void> {
    const apiserverArguments = ['--disable-admission-plugins=ServiceAccount']
    const controlPlane = await startControlPlane({ apiserverArguments, ...options })
    this.#running.use(controlPlane)
    const kubernetes = await this.#open(controlPlane.kubeconfig.path)
    this.#started = { controlPlane, kubernetes }
  }

  get controlPlane(): ControlPlane {
    return this.#sinceStart().controlPlane
  }

  get kubernetes(): Kubernetes {
    return this.#sinceStart().kubernetes
  }

  async runPod(...pod: Parameters<typeof podOf>): Promise<KubernetesObject> {
    return made(await this.kubernetes.create(podOf(...pod)))
  }

  /** The same name, another UID. */
  async recreate(pod: KubernetesObject): Promise<KubernetesObject> {
    await this.kubernetes.delete(referenceTo(pod), { graceSeconds: 0 })
    return this.runPod(pod.metadata.name)
  }

  async createNode(name: string): Promise<KubernetesObject> {
    return made(
      await this.kubernetes.create({ apiVersion: 'v1', kind: 'Node', metadata: { name } }),
    )
  }

  /** A kubeconfig of a service account with exactly these rights, everywhere. */
  async kubeconfigWith(name: string, rules: Action['rbac']): Promise<string> {
    const metadata = { name, namespace: 'default' }
    const group = 'rbac.authorization.k8s.io'
    const apiVersion = `${group}/v1`
    const roleRef = { apiGroup: group, kind: 'ClusterRole', name }
    const subjects = [{ kind: 'ServiceAccount', ...metadata }]
    const role = { apiVersion, kind: 'ClusterRole', metadata: { name }, rules: plain(rules) }
    const binding = {
      apiVersion,
      kind: 'ClusterRoleBinding',
      metadata: { name },
      roleRef,
      subjects,
    }
    await this.kubernetes.create({ apiVersion: 'v1', kind: 'ServiceAccount', metadata })
    await this.kubernetes.create(role)
    await this.kubernetes.create(binding)
    const { server, ca } = this.controlPlane.kubeconfig
    const user = { token: await tokenOf(this.kubernetes, name) }
    return writeKubeconfig(this.controlPlane.folder, { name, server, ca, user })
  }

  /** The same API as a service account with exactly these rights, everywhere. */
  async withRights(name: string, rules: Action['rbac']): Promise<Kubernetes> {
    const own = await this.#open(await this.kubeconfigWith(name, rules))
    // The API server hears of new roles a little later.
    await eventually(
      () => missingRights(own, [{ name, rbac: plain(rules), asked: [] }], [null]),
      ({ length }) => length === 0,
    )
    return own
  }

  async #open(kubeconfig: string): Promise<Kubernetes> {
    const cluster = await openKubernetes({
      settings: { ...testSettings, kubeconfig },
      version: '0.0.0',
      onCall: () => undefined,
    })
    this.#running.use(cluster)
    return cluster.within(new AbortController().signal)
  }

  #sinceStart(): Started {
    if (this.#started === undefined) throw new Error('the cluster was not started')
    return this.#started
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#running.disposeAsync()
  }
}

/** As roles take them. */
const plain = (rules: Action['rbac']) => rules.map(({ onlyWith: _onlyWith, ...rule }) => rule)

async function tokenOf(kubernetes: Kubernetes, account: string): Promise<string> {
  const path = `/api/v1/namespaces/default/serviceaccounts/${account}/token`
  const request = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: {} }
  const answer = await kubernetes.request('POST', path, request)
  return z.object({ status: z.object({ token: z.string() }) }).parse(answer).status.token
}

export const testSettings = {
  enabled: 'auto',
  namespace: 'riposte',
  accounts: null,
  labels: { 'app.kubernetes.io/part-of': 'riposte' },
  qps: 1000,
  burst: 1000,
} as const

function made(object: KubernetesObject | null): KubernetesObject {
  if (object === null) throw new Error('there is an object of that name')
  return object
}

export interface KubeconfigParts {
  readonly name: string
  readonly server: string
  /** PEM; none: whoever answers is believed. */
  readonly ca?: string
  readonly user?: object
}

export async function writeKubeconfig(
  folder: string,
  { name, server, ca, user = {} }: KubeconfigParts,
): Promise<string> {
  const file = join(folder, `${name}.kubeconfig`)
  const authority =
    ca === undefined
      ? { 'insecure-skip-tls-verify': true }
      : { 'certificate-authority-data': btoa(ca) }
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name, cluster: { server, ...authority } }],
    users: [{ name, user }],
    contexts: [{ name, context: { cluster: name, user: name } }],
    'current-context': name,
  }
  await writeFile(file, JSON.stringify(config))
  return file
}
