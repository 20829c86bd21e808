/**
 * Address, TLS and credentials of the API server, from a kubeconfig or from the pod. The only user of
 * @kubernetes/client-node, and of its configuration alone: one GET costs 6.7 ms through its object API and 1.9 ms
 * through a keep-alive agent (busy machine). Loaded when it is wanted: the import takes 0.4 s and 80 MB.
 */
import { Agent, ProxyAgent, type Dispatcher } from 'undici'
import { existsSync } from 'node:fs'
import { isDeepStrictEqual } from 'node:util'
import type { KubeConfig } from '@kubernetes/client-node'
import { messageOf, WorldError } from '../errors.ts'
import { serviceAccountDirectory } from './own-namespace.ts'

const tokenFile = `${serviceAccountDirectory}/token`

/** Whether this program runs in a pod that was given a service account. */
export const isInPod = (): boolean => existsSync(tokenFile)

export class KubernetesMisconfigured extends WorldError {
  constructor(message: string, options?: ErrorOptions) {
    super('kubernetes_config', message, false, options)
  }
}

export interface Access {
  readonly server: URL
  readonly dispatcher: Dispatcher
  readonly headers: Readonly<Record<string, string>>
}

/** Tokens in files are rotated, plugins' credentials expire: both are looked at again after this. */
const freshMs = 30_000

export class Connection implements AsyncDisposable {
  readonly #load: () => KubeConfig
  readonly #nowMs: () => number
  #config: KubeConfig
  #tls: object = {}
  #dispatcher: Dispatcher | undefined
  #access: Promise<Access> | undefined
  #madeMs = 0

  private constructor(load: () => KubeConfig, nowMs: () => number) {
    this.#load = load
    this.#nowMs = nowMs
    this.#config = load()
  }

  /** `kubeconfig` null: that of the pod. Throws KubernetesMisconfigured. */
  static async open(kubeconfig: string | null, nowMs: () => number): Promise<Connection> {
    const { KubeConfig: Config } = await import('@kubernetes/client-node')
    const load = () => {
      const config = new Config()
      if (kubeconfig === null) config.loadFromCluster()
      else config.loadFromFile(kubeconfig)
      if (config.getCurrentCluster() === null) throw new Error('it names no current cluster')
      return config
    }
    try {
      if (kubeconfig === null && !isInPod()) throw new Error(`there is no ${tokenFile}`)
      return new Connection(load, nowMs)
    } catch (error) {
      const what = kubeconfig ?? "the pod's service account"
      const message = `${what} cannot be used to reach Kubernetes: ${messageOf(error)}`
      throw new KubernetesMisconfigured(message, { cause: error })
    }
  }

  kubeConfig(): KubeConfig {
    return this.#config
  }

  access(): Promise<Access> {
    if (this.#access === undefined || this.#nowMs() - this.#madeMs > freshMs) {
      this.#madeMs = this.#nowMs()
      this.#access = this.#make()
      // A plugin that failed is asked again by the next call.
      this.#access.catch(() => {
        this.#madeMs = -Infinity
      })
    }
    return this.#access
  }

  /** The server did not accept who we are: everything is read anew, files and plugins included. */
  renew(): void {
    this.#config = this.#load()
    this.#access = undefined
  }

  async #make(): Promise<Access> {
    const options: Parameters<KubeConfig['applyToHTTPSOptions']>[0] = { headers: {} }
    await this.#config.applyToHTTPSOptions(options)
    const { ca, cert, key, servername, rejectUnauthorized } = options
    const given = Object.entries({ ca, cert, key, servername, rejectUnauthorized })
    const tls = Object.fromEntries(given.filter(([, value]) => value !== undefined))
    const cluster = this.#config.getCurrentCluster()
    if (this.#dispatcher === undefined || !isDeepStrictEqual(tls, this.#tls)) {
      // What still runs over the old one ends by itself.
      void this.#dispatcher?.close()
      this.#dispatcher = dispatcherOf(tls, cluster?.proxyUrl)
      this.#tls = tls
    }
    return {
      server: new URL(cluster?.server ?? ''),
      dispatcher: this.#dispatcher,
      headers: headersOf(options.headers, options.auth),
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#dispatcher?.destroy()
  }
}

/**
 * As many connections as lanes can use at once; kept for as long as load balancers like (client-go's 30 s). HTTP/1.1,
 * as one call took 0.7 to 1.0 ms longer over HTTP/2, and half as much CPU again (undici 8, kube-apiserver 1.36).
 */
function dispatcherOf(tls: object, proxyUrl: string | undefined): Dispatcher {
  const connect = { ...tls, timeout: 5000, keepAlive: true, keepAliveInitialDelay: 30_000 }
  if (proxyUrl !== undefined)
    return new ProxyAgent({ uri: proxyUrl, requestTls: connect, allowH2: false })
  return new Agent({ connect, connections: 32, keepAliveTimeout: 30_000, allowH2: false })
}

function headersOf(headers: unknown, auth: string | null | undefined): Record<string, string> {
  const basic = typeof auth === 'string' ? { authorization: `Basic ${btoa(auth)}` } : {}
  if (typeof headers !== 'object' || headers === null) return basic
  const given = Object.entries(headers).filter(([, value]) => typeof value === 'string')
  return { ...basic, ...Object.fromEntries(given) }
}
