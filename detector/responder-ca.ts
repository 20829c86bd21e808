/** The CA certificates of the responder's replicas, from the ConfigMap in which they publish them. */
import { readFileSync } from 'node:fs'
import { HttpClient, type CaSource } from './outputs/client.ts'
import { backoffMs } from './spool/backoff.ts'
import { DeliveryError, pause } from './spool/delivery.ts'

export interface InCluster {
  /** `https://10.96.0.1:443` */
  readonly server: string
  /** Of the pod's service account: `token`, which the kubelet rotates, and `ca.crt`. */
  readonly directory: string
}

export interface ResponderCaOptions {
  /** `namespace/name` */
  readonly configMap: string
  readonly api: InCluster | undefined
  readonly random: () => number
}

const READ_AGAIN_MS = 300_000
/** At least, and longer the more often in a row: a responder that is not ours must not make us flood the API server. */
const LEAST_MS = 1000
const TIMEOUT_MS = 10_000

/** Undefined outside a pod. */
export function inCluster(environment: NodeJS.ProcessEnv): InCluster | undefined {
  const host = environment['KUBERNETES_SERVICE_HOST']
  if (host === undefined) return undefined
  const name = host.includes(':') ? `[${host}]` : host
  return {
    server: `https://${name}:${environment['KUBERNETES_SERVICE_PORT'] ?? '443'}`,
    directory: '/var/run/secrets/kubernetes.io/serviceaccount',
  }
}

export class ResponderCa implements CaSource {
  readonly #options: ResponderCaOptions
  readonly #stopping = new AbortController()
  #bundle = ''
  #problem = 'it was not read yet'
  #wake = new AbortController()
  #isDistrusted = false

  constructor(options: ResponderCaOptions) {
    this.#options = options
    void this.#keepReading()
  }

  /** Throws DeliveryError, retryable, until there is one. */
  current(): string {
    if (this.#bundle !== '') return this.#bundle
    const { configMap } = this.#options
    const message = `the responder's CA cannot be had from ConfigMap ${configMap}: ${this.#problem}`
    throw new DeliveryError('no_ca', message, true)
  }

  distrusted(): void {
    this.#isDistrusted = true
    this.#wake.abort()
  }

  close(): void {
    this.#stopping.abort()
    this.#wake.abort()
  }

  async #keepReading(): Promise<void> {
    const { signal } = this.#stopping
    const { random } = this.#options
    let restless = 0
    /* oxlint-disable no-await-in-loop -- one question after another */
    while (!signal.aborted) {
      this.#isDistrusted = false
      const isRead = await this.#attempt()
      await pause(Math.max(LEAST_MS, backoffMs(restless++, random)), signal)
      if (!isRead || this.#isDistrusted) continue
      this.#wake = new AbortController()
      await pause(READ_AGAIN_MS, AbortSignal.any([signal, this.#wake.signal]))
      if (!this.#isDistrusted) restless = 0
    }
    /* oxlint-enable no-await-in-loop */
  }

  /** What was read before stays when it fails: it may well be right still. */
  async #attempt(): Promise<boolean> {
    try {
      this.#bundle = await this.#read()
      return true
    } catch (error) {
      this.#problem = error instanceof Error ? error.message : String(error)
      return false
    }
  }

  async #read(): Promise<string> {
    const { configMap, api } = this.#options
    if (api === undefined) throw new Error('this is no pod: name a ca_file instead')
    const [namespace, name] = configMap.split('/')
    // Anew each time: the token is rotated, and so may be the cluster's CA.
    const token = readFileSync(`${api.directory}/token`, 'utf8').trim()
    const client = new HttpClient({
      url: api.server,
      keepAlive: false,
      isInsecure: false,
      caFile: `${api.directory}/ca.crt`,
    })
    try {
      const { status, text } = await client.request({
        method: 'GET',
        path: `/api/v1/namespaces/${namespace}/configmaps/${name}`,
        headers: { authorization: `Bearer ${token}` },
        timeoutMs: TIMEOUT_MS,
        signal: this.#stopping.signal,
      })
      if (status !== 200)
        throw new Error(`${remedies[status] ?? ''}the API server answered ${status}`)
      return certificatesIn(text)
    } finally {
      client.close()
    }
  }
}

const remedies: Readonly<Record<number, string>> = {
  401: 'the service account token is not accepted; ',
  403: "the detector's service account needs get on it; ",
  404: 'it is not there, the responder makes it with tls.mode own and tls.caConfigMap; ',
}

/** Of every replica: whichever a Service leads to is one of ours. */
function certificatesIn(text: string): string {
  const object: unknown = JSON.parse(text)
  const data =
    typeof object === 'object' && object !== null && 'data' in object ? (object.data ?? {}) : {}
  const certificates = Object.values(data).filter(
    (value) => typeof value === 'string' && value.includes('-----BEGIN CERTIFICATE-----'),
  )
  if (certificates.length === 0) throw new Error('no replica has published one yet')
  return certificates.join('\n')
}
