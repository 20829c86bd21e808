/** etcd and a real API server, up in about 4 s: for tests of actions, RBAC and manifests that need no node. */
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Api, type Manifest } from './api.ts'
import { Apiserver, startEtcd } from './apiserver.ts'
import type { AuditWebhook } from './audit.ts'
import { makeCgroup } from './cgroups.ts'
import { must, type CommandOptions } from './command.ts'
import { startControllerManager, startScheduler } from './controllers.ts'
import type { Place } from './daemon.ts'
import { type Lease, takeLease } from './lease.ts'
import { controlPlaneNetns, makeNetwork } from './network.ts'
import { Pki } from './pki.ts'
import { waitFor } from './wait-for.ts'
import { clusterTools, type ClusterTools, type ToolName } from './tools.ts'

export interface ControlPlaneOptions {
  readonly auditWebhook?: AuditWebhook
  /** Controllers and scheduler too; without them no ServiceAccount, ReplicaSet or eviction comes about by itself. */
  readonly controllers?: boolean
  readonly apiserverArguments?: readonly string[]
  /** Told what took how long. */
  readonly say?: (line: string) => void
}

export interface Kubeconfig {
  readonly path: string
  readonly server: string
  /** PEM, as are the others. */
  readonly ca: string
  readonly certificate: string
  readonly key: string
}

export interface ControlPlane extends AsyncDisposable {
  readonly runId: string
  /** Of the run; tests may keep files of their own in it, which go with it. */
  readonly folder: string
  readonly apiserverUrl: string
  /** Where the API server, nodes and pods reach what the tests listen on. */
  readonly hostAddress: string
  /** The cluster's admin (system:masters). */
  readonly kubeconfig: Kubeconfig
  readonly api: Api
  readonly auditLogPath: string
  /** The folder of kubectl, helm and the rest. */
  readonly bin: string
  /** Standard output; throws what the command complained about. */
  readonly kubectl: (args: readonly string[], options?: CommandOptions) => Promise<string>
  readonly helm: (args: readonly string[], options?: CommandOptions) => Promise<string>
  readonly helm3: (args: readonly string[], options?: CommandOptions) => Promise<string>
  /** Creates or changes objects; also takes YAML text. */
  readonly apply: (...manifests: readonly (Manifest | string)[]) => Promise<void>
  /** Asks for an object (or what else a GET of `path` gives; undefined for 404) until it satisfies. */
  readonly waitFor: <T>(
    path: string,
    isEnough: (found: T | undefined) => boolean,
    patienceMs?: number,
  ) => Promise<T>
  /** Restarts the API server (3 s) with another webhook, or with none. */
  readonly setAuditWebhook: (webhook?: AuditWebhook) => Promise<void>
}

/** What the nodes are made with, beside what tests see. */
export interface Foundation {
  readonly controlPlane: ControlPlane
  readonly lease: Lease
  readonly tools: ClusterTools
  readonly pki: Pki
  /** Resolves once they have done something. */
  readonly startControllers: () => Promise<void>
}

export async function startControlPlane(options: ControlPlaneOptions = {}): Promise<ControlPlane> {
  const { controlPlane, startControllers } = await layFoundation(options)
  if (options.controllers === true) await startControllers()
  return controlPlane
}

export async function layFoundation(options: ControlPlaneOptions): Promise<Foundation> {
  const tools = await clusterTools()
  const lease = await takeLease()
  try {
    return await build(options, tools, lease)
  } catch (error) {
    await lease[Symbol.asyncDispose]()
    throw error
  }
}

async function build(
  { auditWebhook, apiserverArguments = [], say = () => undefined }: ControlPlaneOptions,
  tools: ClusterTools,
  lease: Lease,
): Promise<Foundation> {
  const { runId, addresses } = lease
  const phase = phases(say)
  const folder = join(lease.folder, 'control-plane')
  const logs = join(folder, 'logs')
  await mkdir(logs, { recursive: true })
  const place: Place = { cgroup: `${runId}-cp`, netns: controlPlaneNetns(runId), logs }
  const [pki] = await Promise.all([
    Pki.make(join(folder, 'pki')),
    makeNetwork(runId, addresses),
    makeCgroup(place.cgroup),
  ])
  const server = `https://${addresses.controlPlane}:6443`
  const kubeconfig = await adminOf(pki, server, join(folder, 'admin.kubeconfig'))
  const api = new Api(kubeconfig)
  const parts = { tools, pki, place, addresses, folder, api, extraArguments: apiserverArguments }
  phase('network and PKI')

  const [apiserver] = await Promise.all([Apiserver.prepare(parts), startEtcd(parts)])
  phase('etcd')
  await apiserver.start(auditWebhook)
  phase('API server')

  const run =
    (name: ToolName) =>
    (args: readonly string[], command: CommandOptions = {}) =>
      must(tools.path(name), args, {
        ...command,
        env: { KUBECONFIG: kubeconfig.path, ...command.env },
      })
  const kubectl = run('kubectl')
  const controlPlane: ControlPlane = {
    runId,
    folder: lease.folder,
    apiserverUrl: server,
    hostAddress: addresses.host,
    kubeconfig,
    api,
    auditLogPath: apiserver.auditLogPath,
    bin: tools.bin,
    kubectl,
    helm: run('helm'),
    helm3: run('helm3'),
    async apply(...manifests) {
      const text = manifests.map((each) => (typeof each === 'string' ? each : JSON.stringify(each)))
      await kubectl(['apply', '-f', '-'], { input: text.join('\n---\n') })
    },
    waitFor: (path, isEnough, patienceMs) => waitFor(api, path, isEnough, patienceMs),
    setAuditWebhook: (webhook) => apiserver.restart(webhook),
    async [Symbol.asyncDispose]() {
      api.close()
      await lease[Symbol.asyncDispose]()
    },
  }
  const startControllers = async () => {
    await Promise.all([
      startControllerManager({ ...parts, server }),
      startScheduler({ ...parts, server }),
    ])
    await controlPlane.waitFor('/api/v1/namespaces/default/serviceaccounts/default', Boolean)
  }
  return { controlPlane, lease, tools, pki, startControllers }
}

async function adminOf(pki: Pki, server: string, path: string): Promise<Kubeconfig> {
  const issued = await pki.issue('admin', '/O=system:masters/CN=admin')
  await writeFile(path, await pki.kubeconfigOf(server, issued), { mode: 0o600 })
  const [ca, certificate, key] = await Promise.all(
    [pki.caFile, issued.certificate, issued.key].map((file) => readFile(file, 'utf8')),
  )
  return { path, server, ca: String(ca), certificate: String(certificate), key: String(key) }
}

/** Says after each phase how long it took. */
export function phases(say: (line: string) => void): (name: string) => void {
  let start = performance.now()
  return (name) => {
    const now = performance.now()
    say(`${name} ${((now - start) / 1000).toFixed(1)} s`)
    start = now
  }
}
