/**
 * The API server's audit webhook posts here. It hears 200 once its events are judged and their alerts kept on disk;
 * whatever else it hears, it sends them again (its own backoff), and what is told twice is one alert.
 */
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { createServer as createTlsServer, type Server as TlsServer } from 'node:https'
import { FileWatch } from '../watch.ts'
import { readBody } from './body.ts'
import { TokensUnreadable, whyNotAllowed } from './callers.ts'
import { parseAudit } from './parse.ts'
import type { AuditDoor, WebhookDoor } from './settings.ts'
import { type AuditSource, AuditSourceError, type AuditSourceOptions } from './source.ts'

type Door = WebhookDoor & Pick<AuditDoor, 'maxEventBytes'>

interface Answer {
  readonly status: number
  readonly text: string
  readonly headers?: Readonly<Record<string, string>>
}

const OK: Answer = { status: 200, text: '' }
const MAX_HEADER_BYTES = 16 * 1024
const MAX_CONNECTIONS = 128
const HEADERS_MS = 5000
/** How often Node looks for clients that are too slow. */
const CHECK_MS = 500
const RETRY_AFTER_S = '2'

export class AuditWebhook implements AuditSource {
  readonly #door: Door
  readonly #options: AuditSourceOptions
  readonly #server: Server | TlsServer
  readonly #certificates: FileWatch | undefined
  #underWay = 0
  #certificateProblem: string | undefined
  readonly ended = new Promise<void>(() => undefined)

  constructor(door: Door, options: AuditSourceOptions) {
    this.#door = door
    this.#options = options
    const limits = {
      maxHeaderSize: MAX_HEADER_BYTES,
      headersTimeout: Math.min(HEADERS_MS, door.requestTimeoutMs),
      requestTimeout: door.requestTimeoutMs,
      connectionsCheckingInterval: CHECK_MS,
    }
    const handle = (request: IncomingMessage, response: ServerResponse) => {
      void this.#handle(request, response)
    }
    this.#server = door.isTls
      ? createTlsServer({ ...limits, ...secrets(door), handshakeTimeout: HEADERS_MS }, handle)
      : createServer(limits, handle)
    this.#server.maxConnections = MAX_CONNECTIONS
    const files = [door.certificateFile, door.keyFile, door.clientCaFile].filter(Boolean)
    this.#certificates = door.isTls ? new FileWatch(files, () => this.#renew()) : undefined
  }

  async start(): Promise<void> {
    const { host, port } = this.#door
    try {
      this.#server.listen({ port, ...(host === '' ? {} : { host }) })
      await once(this.#server, 'listening')
    } catch (cause) {
      throw new AuditSourceError(`cannot listen on ${host}:${port}: ${messageOf(cause)}`, { cause })
    }
    this.#certificates?.start()
  }

  /** The port that it got, where it asked for any (0). */
  get port(): number {
    const address = this.#server.address()
    return typeof address === 'object' ? (address?.port ?? 0) : 0
  }

  degraded = (): readonly string[] =>
    this.#certificateProblem === undefined ? [] : [this.#certificateProblem]

  async stop(): Promise<void> {
    this.#certificates?.stop()
    const closed = new Promise<void>((resolve) => {
      this.#server.close(() => {
        resolve()
      })
    })
    this.#server.closeIdleConnections()
    const timer = setTimeout(() => this.#server.closeAllConnections(), this.#door.requestTimeoutMs)
    await closed
    clearTimeout(timer)
  }

  async #handle(request: IncomingMessage, response: ServerResponse) {
    const answer = await this.#answer(request).catch((error: unknown) => this.#failed(error))
    // What was refused may have more to say, which nobody reads.
    const closing = request.complete ? {} : { connection: 'close' }
    response.writeHead(answer.status, {
      'content-type': 'text/plain',
      ...answer.headers,
      ...closing,
    })
    response.end(answer.text === '' ? '' : `${answer.text}\n`)
  }

  /** Whatever somebody posted, the next request is served. */
  #failed(error: unknown): Answer {
    this.#options.say(`a request could not be judged: ${messageOf(error)}`)
    return refusal(500, 'this request could not be judged')
  }

  async #answer(request: IncomingMessage): Promise<Answer> {
    const misfit = this.#misfit(request)
    if (misfit !== undefined) return misfit
    try {
      const reason = await whyNotAllowed(request, this.#door)
      if (reason !== undefined) return refusal(401, reason, { 'www-authenticate': 'Bearer' })
    } catch (error) {
      if (!(error instanceof TokensUnreadable)) throw error
      this.#options.say(error.message)
      return later('the tokens cannot be read')
    }
    if (this.#underWay >= this.#door.maxConcurrent) return later('too many requests at once')
    this.#underWay++
    try {
      return await this.#take(request)
    } finally {
      this.#underWay--
    }
  }

  /** What is wrong with a request before anything of its body is read. */
  #misfit({ url = '', method, headers }: IncomingMessage): Answer | undefined {
    const [path] = url.split('?', 1)
    if (path === '/healthz' && method === 'GET') return OK
    if (path !== this.#door.path) return refusal(404, 'there is nothing here')
    if (method !== 'POST') return refusal(405, 'audit events are posted', { allow: 'POST' })
    if (!/^application\/json\b/i.test(headers['content-type'] ?? ''))
      return refusal(415, 'application/json is expected')
    if ((headers['content-encoding'] ?? 'identity') !== 'identity')
      return refusal(415, 'no content-encoding is understood')
    return undefined
  }

  async #take(request: IncomingMessage): Promise<Answer> {
    const { maxBodyBytes, maxEventBytes } = this.#door
    const body = await readBody(request, maxBodyBytes)
    if (body === 'too large') return refusal(413, `more than ${maxBodyBytes} bytes`)
    if (body === 'cut off') return refusal(400, 'the body ends early')
    const parsed = parseAudit(body.toString('utf8'), maxEventBytes)
    const isKept = await this.#options.take(parsed)
    const [reason] = parsed.refused
    if (reason !== undefined && parsed.records.length === 0) return refusal(400, reason)
    return isKept ? OK : later('the alerts cannot be kept')
  }

  #renew() {
    try {
      if ('setSecureContext' in this.#server) this.#server.setSecureContext(secrets(this.#door))
      this.#certificateProblem = undefined
    } catch (error) {
      const reason = `the new certificate cannot be used: ${messageOf(error)}`
      this.#certificateProblem = reason
    }
  }
}

const refusal = (status: number, text: string, headers: Answer['headers'] = {}): Answer => ({
  status,
  text,
  headers,
})

const later = (text: string) => refusal(503, text, { 'retry-after': RETRY_AFTER_S })

function read(path: string): Buffer {
  try {
    return readFileSync(path)
  } catch (cause) {
    throw new AuditSourceError(`cannot read ${path}: ${messageOf(cause)}`, { cause })
  }
}

/** A client without a good certificate does not get as far as a request. */
function secrets({ certificateFile, keyFile, clientCaFile }: Door) {
  const own = { cert: read(certificateFile), key: read(keyFile) }
  if (clientCaFile === '') return own
  return { ...own, ca: read(clientCaFile), requestCert: true, rejectUnauthorized: true }
}

const messageOf = (error: unknown) => (error instanceof Error ? error.message : String(error))
