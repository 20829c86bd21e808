/** An HTTP client for one endpoint: a URL, or a path over a unix socket; keep-alive, own CA, client certificate. */
import { createReadStream, readFileSync } from 'node:fs'
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
  /** Instead of caFile, for a CA that changes. */
  readonly ca?: CaSource | undefined
  /** PEM files. */
  readonly caFile?: string | undefined
  readonly certificateFile?: string | undefined
  readonly keyFile?: string | undefined
  /** Takes any certificate. */
  readonly isInsecure: boolean
}

/** Certificates of the CAs to believe, PEM. */
export interface CaSource {
  /** Throws DeliveryError while there is none. */
  current(): string
  /** The endpoint showed a certificate that is none of theirs: there may be new ones. */
  distrusted(): void
  close(): void
}

export interface FileBody {
  readonly path: string
  readonly bytes: number
}

export interface Request {
  readonly method: 'GET' | 'POST'
  /** Appended to the endpoint's own path. */
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  /** Bytes, or a file of exactly so many. */
  readonly body?: Buffer | FileBody | undefined
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
  async request(request: Request): Promise<Response> {
    const { url, ca } = this.#options
    const trusted = ca === undefined ? {} : { ca: ca.current() }
    const target = this.#isUnix ? new URL(`http://localhost${request.path}`) : join(url, request)
    const send = target.protocol === 'https:' ? https.request : http.request
    const limit = AbortSignal.any([request.signal, AbortSignal.timeout(request.timeoutMs)])
    return new Promise((resolve, reject) => {
      const fail = (cause: Error) => {
        if ('code' in cause && untrusted.has(String(cause.code))) ca?.distrusted()
        const message =
          limit.aborted && !request.signal.aborted ? 'no answer in time' : cause.message
        reject(new DeliveryError('unreachable', `${url}: ${message}`, true, cause))
      }
      const outgoing = send(
        target,
        {
          method: request.method,
          headers: { ...request.headers, 'content-length': bytesOf(request.body) },
          agent: this.#agent,
          // The agent keeps connections apart by it: none of an earlier CA is used again.
          ...trusted,
          signal: limit,
          ...(this.#isUnix ? { socketPath: url.slice('unix:'.length) } : {}),
        },
        (incoming) => {
          readAnswer(incoming).then(resolve, fail)
        },
      )
      outgoing.on('error', fail)
      const { body } = request
      if (body === undefined || Buffer.isBuffer(body) || body.bytes === 0)
        outgoing.end(Buffer.isBuffer(body) ? body : undefined)
      else
        createReadStream(body.path, { end: body.bytes - 1 })
          .on('error', (error) => outgoing.destroy(error))
          .pipe(outgoing)
    })
  }

  close(): void {
    this.#options.ca?.close()
    this.#agent.destroy()
  }
}

const bytesOf = (body: Request['body']) =>
  body === undefined ? 0 : Buffer.isBuffer(body) ? body.length : body.bytes

/** What Node says of a chain that does not end at a CA that is believed, or whose time is over. */
const untrusted = new Set([
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'CERT_SIGNATURE_FAILURE',
  'CERT_HAS_EXPIRED',
])

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
