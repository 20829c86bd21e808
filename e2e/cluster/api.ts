/** The least of a Kubernetes client, for the harness itself: requests as the cluster's admin. */
import { Agent, request } from 'node:https'
import type { IncomingMessage } from 'node:http'
import { once } from 'node:events'

export interface Credentials {
  readonly server: string
  readonly ca: string
  readonly certificate: string
  readonly key: string
}

export interface Manifest {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: {
    readonly name?: string
    readonly namespace?: string
    readonly [key: string]: unknown
  }
  readonly [key: string]: unknown
}

/** The API server said no; `body` is usually a Status. */
export class ApiRefused extends Error {
  readonly status: number
  constructor(status: number, what: string, body: string) {
    super(`${what}: ${status} ${body}`)
    this.status = status
  }
}

export class Api {
  readonly #credentials: Credentials
  readonly #agent = new Agent({ keepAlive: true })

  constructor(credentials: Credentials) {
    this.#credentials = credentials
  }

  /** The answer's body, parsed when it is JSON; throws ApiRefused on a status of 400 and above. */
  async request<T = unknown>(
    method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE',
    path: string,
    body?: object,
    contentType = method === 'PATCH' ? 'application/merge-patch+json' : 'application/json',
  ): Promise<T> {
    const answer = await this.#send(method, path, body, contentType)
    const text = await textOf(answer)
    const status = answer.statusCode ?? 0
    if (status >= 400) throw new ApiRefused(status, `${method} ${path}`, text)
    const isJson = answer.headers['content-type']?.startsWith('application/json') ?? false
    return (isJson ? JSON.parse(text) : text) as T
  }

  get = <T>(path: string) => this.request<T>('GET', path)

  /** Undefined where there is no such object. */
  async find<T>(path: string): Promise<T | undefined> {
    try {
      return await this.get<T>(path)
    } catch (error) {
      if (error instanceof ApiRefused && error.status === 404) return undefined
      throw error
    }
  }

  /** Whether it answers and says that it is ready. */
  async isReady(): Promise<boolean> {
    try {
      return (await this.get<string>('/readyz')) === 'ok'
    } catch {
      // Refused, reset, not yet able to tell who asks: each is "not yet".
      return false
    }
  }

  close(): void {
    this.#agent.destroy()
  }

  async #send(
    method: string,
    path: string,
    body?: object,
    contentType?: string,
  ): Promise<IncomingMessage> {
    const { server, ca, certificate, key } = this.#credentials
    const text = body === undefined ? undefined : JSON.stringify(body)
    const outgoing = request(new URL(path, server), {
      method,
      ca,
      key,
      cert: certificate,
      agent: this.#agent,
      headers:
        text === undefined
          ? {}
          : // Node says no length for DELETE: its body would be taken for the next request of the connection.
            { 'content-type': contentType, 'content-length': Buffer.byteLength(text) },
    })
    const response = once(outgoing, 'response')
    outgoing.end(text)
    const [answer] = (await response) as [IncomingMessage]
    return answer
  }
}

async function textOf(answer: IncomingMessage): Promise<string> {
  let text = ''
  for await (const chunk of answer.setEncoding('utf8')) text += String(chunk)
  return text
}
