/** The API server with its etcd, in the control plane's network namespace. */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Addresses } from './addresses.ts'
import type { Api } from './api.ts'
import { auditPolicy, auditWebhookKubeconfig, type AuditWebhook } from './audit.ts'
import { Daemon, flags, type Place } from './daemon.ts'
import { apiserverNames, type Pki } from './pki.ts'
import type { ClusterTools } from './tools.ts'

const etcdUrl = 'http://127.0.0.1:2379'

export interface ApiserverParts {
  readonly tools: ClusterTools
  readonly pki: Pki
  readonly place: Place
  readonly addresses: Addresses
  /** For etcd's data, the audit log and configuration. */
  readonly folder: string
  readonly api: Api
  readonly extraArguments: readonly string[]
}

export async function startEtcd({
  tools,
  place,
  folder,
  addresses,
}: ApiserverParts): Promise<Daemon> {
  const data = join(folder, 'etcd')
  await mkdir(data, { mode: 0o700 })
  const peer = 'http://127.0.0.1:2380'
  // The one address of it that the host can ask.
  const health = `http://${addresses.controlPlane}:2381`
  const etcd = new Daemon(
    'etcd',
    tools.path('etcd'),
    flags({
      'data-dir': data,
      'listen-client-urls': etcdUrl,
      'advertise-client-urls': etcdUrl,
      'listen-peer-urls': peer,
      'initial-advertise-peer-urls': peer,
      'initial-cluster': `default=${peer}`,
      'listen-metrics-urls': health,
      // Nothing of it is to outlive the machine.
      'unsafe-no-fsync': 'true',
    }),
    place,
  )
  await etcd.until('healthy', () => answers(`${health}/health`))
  return etcd
}

export class Apiserver {
  readonly auditLogPath: string
  readonly #parts: ApiserverParts
  readonly #arguments: readonly string[]
  readonly #webhookFile: string
  #daemon: Daemon | undefined

  private constructor(parts: ApiserverParts, fixed: readonly string[], auditLogPath: string) {
    this.#parts = parts
    this.#arguments = fixed
    this.auditLogPath = auditLogPath
    this.#webhookFile = join(parts.folder, 'audit-webhook.json')
  }

  /** Issues its certificates; starts nothing. */
  static async prepare(parts: ApiserverParts): Promise<Apiserver> {
    const { pki, addresses, folder } = parts
    const [serving, kubelet, proxy] = await Promise.all([
      pki.issue('apiserver', '/CN=kube-apiserver', apiserverNames(addresses)),
      pki.issue('kubelet-client', '/O=system:masters/CN=kube-apiserver-kubelet-client'),
      pki.issue('front-proxy-client', '/CN=front-proxy-client'),
    ])
    const auditLogPath = join(folder, 'audit.log')
    const policyFile = join(folder, 'audit-policy.json')
    await writeFile(policyFile, auditPolicy)
    const fixed = flags({
      'etcd-servers': etcdUrl,
      'bind-address': '0.0.0.0',
      'secure-port': '6443',
      'advertise-address': addresses.controlPlane,
      'tls-cert-file': serving.certificate,
      'tls-private-key-file': serving.key,
      'client-ca-file': pki.caFile,
      'service-account-key-file': pki.serviceAccount.certificate,
      'service-account-signing-key-file': pki.serviceAccount.key,
      'service-account-issuer': 'https://kubernetes.default.svc.cluster.local',
      'service-cluster-ip-range': addresses.serviceCidr,
      'authorization-mode': 'Node,RBAC',
      'enable-admission-plugins': 'NodeRestriction',
      'kubelet-client-certificate': kubelet.certificate,
      'kubelet-client-key': kubelet.key,
      'kubelet-certificate-authority': pki.caFile,
      // Else exec and logs look a node's name up in DNS.
      'kubelet-preferred-address-types': 'InternalIP',
      'allow-privileged': 'true',
      'requestheader-client-ca-file': pki.caFile,
      'requestheader-allowed-names': 'front-proxy-client',
      'requestheader-username-headers': 'X-Remote-User',
      'requestheader-group-headers': 'X-Remote-Group',
      'requestheader-extra-headers-prefix': 'X-Remote-Extra-',
      'proxy-client-cert-file': proxy.certificate,
      'proxy-client-key-file': proxy.key,
      'audit-policy-file': policyFile,
      'audit-log-path': auditLogPath,
    })
    return new Apiserver(parts, fixed, auditLogPath)
  }

  /** Ready when this resolves. */
  async start(webhook?: AuditWebhook): Promise<void> {
    const { tools, place, api, extraArguments } = this.#parts
    if (webhook !== undefined) await writeFile(this.#webhookFile, auditWebhookKubeconfig(webhook))
    const webhookArguments = flags({
      'audit-webhook-config-file': this.#webhookFile,
      'audit-webhook-mode': 'batch',
      'audit-webhook-batch-max-wait': '200ms',
      'audit-webhook-initial-backoff': '1s',
    })
    this.#daemon = new Daemon(
      'kube-apiserver',
      tools.path('kube-apiserver'),
      [...this.#arguments, ...(webhook === undefined ? [] : webhookArguments), ...extraArguments],
      place,
    )
    await this.#daemon.until('ready', () => api.isReady())
  }

  /** With another webhook, or none: the API server reads it only when it starts (3 s). */
  async restart(webhook?: AuditWebhook): Promise<void> {
    await this.#daemon?.stop('SIGKILL')
    await this.start(webhook)
  }
}

async function answers(url: string): Promise<boolean> {
  try {
    return (await fetch(url)).ok
  } catch {
    // Not listening yet.
    return false
  }
}
