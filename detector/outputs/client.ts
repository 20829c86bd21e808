/** An HTTP client for one endpoint: a URL, or a path over a unix socket; keep-alive, own CA, client certificate. */
import { readFileSync } from 'node:fs'
import type { Agent as HttpAgent, IncomingMessage } from 'node:http'
import type { Agent as HttpsAgent } from 'node:https'
import { DeliveryError } from '../spool/delivery.ts'

// As imports they would give all their names, and Node's WebSocket client behind them: 18 MB and 70 ms of the start.
const http = process.getBuiltinModule('node:http')
const https = process.getBuiltinModule('node:https')

export interface EndpointOptions {
  /** `https://host/path`, `http://…`, or `unix:/run/x.sock` (then each request brings its path). */
  readonly url: string
  readonly keepAlive: boolean
  /** PEM files. */
  readonly caFile?: string | undefined
  readonly certificateFile?: string | undefined
  readonly keyFile?: string | undefined
  /** Takes any certificate. */
  readonly isInsecure: boolean
}

export interface Request {
  readonly method: 'GET' | 'POST'
  /** Appended to the endpoint's own path. */
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body?: Buffer | undefined
  readonly timeoutMs: number
  readonly signal: AbortSignal
}

export interface Response {
  readonly status: number
  readonly text: string
}

/** Answers are read up to this much; an endpoint cannot fill our memory. */
const MAX_ANSWER_BYTES = 8 * 1024 * 1024

export class HttpClient {
  readonly #options: EndpointOptions
  readonly #agent: HttpAgent | HttpsAgent
  readonly #isUnix: boolean

  constructor(options: EndpointOptions) {
    this.#options = options
    this.#isUnix = options.url.startsWith('unix:')
    const common = { keepAlive: options.keepAlive, maxSockets: 4 }
    this.#agent = options.url.startsWith('https:')
      ? new https.Agent({
          ...common,
          rejectUnauthorized: !options.isInsecure,
          ...pem('ca', options.caFile),
          ...pem('cert', options.certificateFile),
          ...pem('key', options.keyFile),
        })
      : new http.Agent(common)
  }

  /** Throws DeliveryError `unreachable` (retryable) when there is no answer; every status is an answer. */
  request(request: Request): Promise<Response> {
    const { url } = this.#options
    const target = this.#isUnix ? new URL(`http://localhost${request.path}`) : join(url, request)
    const send = target.protocol === 'https:' ? https.request : http.request
    const limit = AbortSignal.any([request.signal, AbortSignal.timeout(request.timeoutMs)])
    return new Promise((resolve, reject) => {
      const fail = (cause: Error) => {
        const message =
          limit.aborted && !request.signal.aborted ? 'no answer in time' : cause.message
        reject(new DeliveryError('unreachable', `${url}: ${message}`, true, cause))
      }
      const outgoing = send(
        target,
        {
          method: request.method,
          headers: { ...request.headers, 'content-length': request.body?.length ?? 0 },
          agent: this.#agent,
          signal: limit,
          ...(this.#isUnix ? { socketPath: url.slice('unix:'.length) } : {}),
        },
        (incoming) => {
          readAnswer(incoming).then(resolve, fail)
        },
      )
      outgoing.on('error', fail)
      outgoing.end(request.body)
    })
  }

  close(): void {
    this.#agent.destroy()
  }
}

const join = (url: string, { path }: Request) =>
  new URL(url.replace(/\/$/, path === '' ? '/' : '') + path)

async function readAnswer(incoming: IncomingMessage): Promise<Response> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of incoming) {
    if (!Buffer.isBuffer(chunk)) continue
    bytes += chunk.length
    if (bytes > MAX_ANSWER_BYTES) throw new Error('the answer is too long')
    chunks.push(chunk)
  }
  return { status: incoming.statusCode ?? 0, text: Buffer.concat(chunks).toString() }
}

const pem = (name: 'ca' | 'cert' | 'key', file: string | undefined) =>
  file === undefined ? {} : { [name]: readFileSync(file) }

/**
 * What a status means for what was posted. 400, 413, 415 and 422 speak of the content and will not change;
 * everything else (login, routes, overload) is put right at the endpoint, and until then nothing is lost.
 */
export function checkAcknowledged(url: string, { status, text }: Response): void {
  if (status >= 200 && status < 300) return
  const isRefused = [400, 413, 415, 422].includes(status)
  const message = `${url}: answered ${status} ${text.slice(0, 200)}`
  throw new DeliveryError(isRefused ? 'refused' : 'not_accepted', message, !isRefused)
}
