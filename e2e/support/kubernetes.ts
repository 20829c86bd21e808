/** What tests of the responder against a real API server begin with. */
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import type { Server } from 'node:http'
import { join } from 'node:path'
import { z } from 'zod'
import type { Alert } from '../../contract/alert.ts'
import type { Action, Call, Effect, NodeLink } from '../../responder/actions/action.ts'
import { NodeUnavailable } from '../../responder/actions/errors.ts'
import { noEvidence } from '../../responder/evidence/evidence.ts'
import type { Kubernetes, KubernetesObject } from '../../responder/kubernetes/kubernetes.ts'
import { referenceTo } from '../../responder/kubernetes/objects.ts'
import { openKubernetes } from '../../responder/kubernetes/open.ts'
import { missingRights } from '../../responder/kubernetes/rights.ts'
import { podAlert } from '../../responder/policy/alert.sample.ts'
import { targetFor, targetOf } from '../../responder/policy/target.ts'
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

export interface Listening extends AsyncDisposable {
  readonly url: string
  readonly stop: () => Promise<void>
  readonly start: () => Promise<void>
}

/** A server of the test's own, on a free port that it keeps over `stop` and `start`. */
export async function listening(server: Server): Promise<Listening> {
  let port = 0
  const start = async () => {
    server.listen(port, '127.0.0.1')
    await once(server, 'listening')
    const address = server.address()
    if (address !== null && typeof address !== 'string') ({ port } = address)
  }
  const stop = async () => {
    if (!server.listening) return
    const closed = once(server, 'close')
    server.close()
    server.closeAllConnections()
    await closed
  }
  await start()
  return { url: `http://127.0.0.1:${port}`, stop, start, [Symbol.asyncDispose]: stop }
}

/** An alert about this pod, as a node would send it. */
export const alertOf = (
  { metadata }: KubernetesObject,
  fields: Alert['outputFields'] = {},
): Alert => {
  const alert = podAlert({
    uid: metadata.uid,
    name: metadata.name,
    namespace: metadata.namespace ?? 'default',
    labels: { ...metadata.labels },
    owners: [],
  })
  return { ...alert, outputFields: { ...alert.outputFields, ...fields } }
}

export interface CallParts<Parameters> {
  readonly alert: Alert
  readonly kubernetes: Kubernetes
  readonly parameters?: Parameters
  readonly stepId?: string
  readonly node?: NodeLink
}

const noNode: NodeLink = {
  ask: () => Promise.reject(new NodeUnavailable('there is no node in this test')),
}

/** The call that the engine would make for a step of this action on what the alert is about. */
export function callOf<Parameters extends z.ZodType<Effect>>(
  action: Action<Parameters>,
  { alert, kubernetes, parameters, stepId, node = noNode }: CallParts<z.input<Parameters>>,
): Call<z.infer<Parameters>> {
  const target = action.target === 'case' ? targetOf(alert) : targetFor(action.target, alert)
  if (target === undefined) throw new Error(`the alert has no ${action.target}`)
  return {
    // A digest, as real ones are.
    stepId: stepId ?? `s${randomBytes(16).toString('hex')}`,
    alert,
    caseId: 'case-1',
    target,
    parameters: action.parameters.parse(parameters ?? {}),
    node,
    kubernetes,
    evidence: noEvidence,
    link: null,
    signal: AbortSignal.timeout(60_000),
    notify: () => Promise.resolve(),
  }
}

/** Through the ledger and back: what `run`, `verify` and `undo` get is JSON. */
export const stored = (effect: Effect): Effect =>
  z.record(z.string(), z.unknown()).parse(JSON.parse(JSON.stringify(effect)))

/** The effect of a plan that must be a change. */
export async function planned<Parameters extends z.ZodType<Effect>>(
  action: Action<Parameters>,
  call: Call<z.infer<Parameters>>,
): Promise<Effect> {
  const plan = await action.plan(call)
  if (plan.kind !== 'change') throw new Error(`nothing to do: ${plan.detail}`)
  return stored(plan.effect)
}

/** An undo is a step of its own. */
export const undoing = <Parameters>(call: Call<Parameters>): Call<Parameters> => ({
  ...call,
  stepId: `u${randomBytes(16).toString('hex')}`,
})

export interface TestCluster extends AsyncDisposable {
  readonly controlPlane: ControlPlane
  readonly kubernetes: Kubernetes
  /** A kubeconfig of a service account with exactly these rights, everywhere. */
  readonly kubeconfigWith: (name: string, rules: Action['rbac']) => Promise<string>
  /** The same API as a service account with exactly these rights, everywhere. */
  readonly withRights: (name: string, rules: Action['rbac']) => Promise<Kubernetes>
  readonly runPod: (...pod: Parameters<typeof podOf>) => Promise<KubernetesObject>
  /** The same name, another UID. */
  readonly recreate: (pod: KubernetesObject) => Promise<KubernetesObject>
  readonly createNode: (name: string) => Promise<KubernetesObject>
}

/** A control plane and the responder's own client for it. Pods need no service account there. */
export async function openTestCluster(options: ControlPlaneOptions = {}): Promise<TestCluster> {
  const controlPlane = await startControlPlane({
    apiserverArguments: ['--disable-admission-plugins=ServiceAccount'],
    ...options,
  })
  await using stack = new AsyncDisposableStack()
  stack.use(controlPlane)
  const open = async (kubeconfig: string) => {
    const cluster = await openKubernetes({
      settings: { ...testSettings, kubeconfig },
      version: '0.0.0',
      onCall: () => undefined,
    })
    running.use(cluster)
    return cluster.within(new AbortController().signal)
  }
  const running = stack.move()
  const kubernetes = await open(controlPlane.kubeconfig.path)
  const runPod = async (...pod: Parameters<typeof podOf>) =>
    made(await kubernetes.create(podOf(...pod)))
  const kubeconfigWith = async (name: string, rules: Action['rbac']) => {
    const metadata = { name, namespace: 'default' }
    const apiVersion = 'rbac.authorization.k8s.io/v1'
    const role = { apiVersion, kind: 'ClusterRole', metadata: { name }, rules: plain(rules) }
    const roleRef = { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name }
    const subjects = [{ kind: 'ServiceAccount', ...metadata }]
    await kubernetes.create({ apiVersion: 'v1', kind: 'ServiceAccount', metadata })
    await kubernetes.create(role)
    await kubernetes.create({
      apiVersion,
      kind: 'ClusterRoleBinding',
      metadata: { name },
      roleRef,
      subjects,
    })
    const { server, ca } = controlPlane.kubeconfig
    const user = { token: await tokenOf(kubernetes, name) }
    return writeKubeconfig(controlPlane.folder, { name, server, ca, user })
  }
  return {
    controlPlane,
    kubernetes,
    runPod,
    async recreate(pod) {
      await kubernetes.delete(referenceTo(pod), { graceSeconds: 0 })
      return runPod(pod.metadata.name)
    },
    createNode: async (name) =>
      made(await kubernetes.create({ apiVersion: 'v1', kind: 'Node', metadata: { name } })),
    kubeconfigWith,
    async withRights(name, rules) {
      const own = await open(await kubeconfigWith(name, rules))
      // The API server hears of new roles a little later.
      await eventually(
        () => missingRights(own, [{ name, rbac: plain(rules), asked: [] }], [null]),
        ({ length }) => length === 0,
      )
      return own
    },
    [Symbol.asyncDispose]: () => running.disposeAsync(),
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
