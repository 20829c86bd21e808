/** The responder's way to its cluster, or none: by configuration, and whether this is a pod. */
import type { KubeConfig } from '@kubernetes/client-node'
import type { Risk } from '../actions/action.ts'
import { Rounds } from '../rounds.ts'
import { noKubernetes } from './absent.ts'
import { accountOf, userOf } from './accounts.ts'
import { within } from './client.ts'
import { Connection, isInPod } from './connection.ts'
import type { Kubernetes, OwnPlace } from './kubernetes.ts'
import { ownNamespace } from './own-namespace.ts'
import { Rate } from './rate.ts'
import { Resources } from './resources.ts'
import { Transport } from './transport.ts'

export interface KubernetesSettings {
  readonly enabled: 'auto' | 'always' | 'never'
  readonly kubeconfig: string | null
  readonly namespace: string | null
  /** `NAMESPACE/PREFIX` of the accounts that steps act as; null: whoever this responder is. */
  readonly accounts: string | null
  /** Labels of Riposte's own pods in that namespace. */
  readonly labels: Readonly<Record<string, string>>
  readonly qps: number
  readonly burst: number
}

export interface Cluster extends AsyncDisposable {
  readonly isConfigured: boolean
  readonly own: OwnPlace
  /** For watches, which the client library keeps; null without a cluster. */
  readonly kubeConfig: () => KubeConfig | null
  /** With `risk`, as the account of that class, where there is one. */
  readonly within: (signal: AbortSignal, risk?: Risk) => Kubernetes
  /** `NAMESPACE/NAME` of that account; null: this responder's own. */
  readonly accountOf: (risk: Risk) => string | null
  /** One sentence where the API server is away. */
  readonly degraded: () => readonly string[]
}

export interface ClusterParts {
  readonly settings: KubernetesSettings
  readonly version: string
  readonly onCall: (verb: string, code: string) => void
}

/** How often a silent API server is asked whether it is there (I9: a second). */
const askMs = 800

const none: Cluster = {
  isConfigured: false,
  own: noKubernetes.own,
  kubeConfig: () => null,
  within: () => noKubernetes,
  accountOf: () => null,
  degraded: () => [],
  [Symbol.asyncDispose]: () => Promise.resolve(),
}

/** Throws KubernetesMisconfigured. That the API server is away is no error: it shows, and it may come. */
export async function openKubernetes(parts: ClusterParts): Promise<Cluster> {
  const { enabled, kubeconfig, namespace, accounts, labels, qps, burst } = parts.settings
  const isWanted = enabled === 'auto' ? kubeconfig !== null || isInPod() : enabled === 'always'
  if (!isWanted) return none
  const connection = await Connection.open(kubeconfig, Date.now)
  const transport = new Transport({
    connection,
    rate: new Rate(qps, burst, Date.now),
    userAgent: `riposte-responder/${parts.version}`,
    onCall: parts.onCall,
  })
  const own = { namespace: namespace ?? ownNamespace(), labels }
  const resources = new Resources(Date.now)
  const accountFor = (risk: Risk | undefined) =>
    risk === undefined || accounts === null ? null : accountOf(accounts, risk)
  const callerFor = (risk: Risk | undefined) => {
    const account = accountFor(risk)
    return account === null ? transport : transport.as(userOf(account))
  }
  const stopping = new AbortController()
  // A call that fails is what `away` says.
  const rounds = new Rounds(() => undefined)
  rounds.every(askMs, () => askUnlessHeard(transport, stopping.signal))
  return {
    isConfigured: true,
    own,
    kubeConfig: () => connection.kubeConfig(),
    within: (signal, risk) => within({ transport: callerFor(risk), resources, own }, signal),
    accountOf: accountFor,
    degraded: () => {
      const away = transport.away()
      return away === null ? [] : [`the API server of Kubernetes is away: ${away}`]
    },
    [Symbol.asyncDispose]: async () => {
      stopping.abort()
      await rounds[Symbol.asyncDispose]()
      await connection[Symbol.asyncDispose]()
    },
  }
}

/** Actions that just had an answer have asked already. */
async function askUnlessHeard(transport: Transport, signal: AbortSignal): Promise<void> {
  if (Date.now() - transport.heardMs() < askMs) return
  const what = 'ask for the version'
  const call = { verb: 'get', method: 'GET', path: '/version', what, timeoutMs: 5 * askMs } as const
  await transport.send(call, signal)
}
