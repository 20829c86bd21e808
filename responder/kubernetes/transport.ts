/** One call of the API server: credentials, rate, time, size, and how it went. Knows nothing of objects. */
import { setTimeout as sleep } from 'node:timers/promises'
import { request, type Dispatcher } from 'undici'
import { ActionFailed } from '../actions/errors.ts'
import { messageOf } from '../errors.ts'
import { errorOf, refusalOf, type Refusal } from './api-error.ts'
import type { Access, Connection } from './connection.ts'
import type { Rate } from './rate.ts'

export interface ApiCall {
  /** As RBAC names it: get, list, patch, … */
  readonly verb: string
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  /** Below the root, its parts escaped, query included. */
  readonly path: string
  readonly body?: unknown
  readonly contentType?: string
  /** For people. */
  readonly what: string
  readonly timeoutMs?: number | undefined
  readonly maxBytes?: number | undefined
  /** Whom the API server is to take this for; absent: ourselves. */
  readonly user?: string | undefined
}

/** What calls are made through. */
export type Caller = Pick<Transport, 'send' | 'access'>

export interface TransportParts {
  readonly connection: Connection
  readonly rate: Rate
  readonly userAgent: string
  /** `code` is the HTTP status, or `error` when there was none. */
  readonly onCall: (verb: string, code: string) => void
}

const defaultTimeoutMs = 10_000
const defaultMaxBytes = 16 << 20
/** How often a call that the server put off is sent again before the step itself is tried again. */
const resends = 3
const longestPauseMs = 5000

export class Transport {
  readonly #parts: TransportParts
  /** Why the last call never got an answer; null when it got one, of whatever kind. */
  #away: string | null = null
  #heardMs = 0

  constructor(parts: TransportParts) {
    this.#parts = parts
  }

  away(): string | null {
    return this.#away
  }

  /** When the server last said anything, on the clock of Date.now. */
  heardMs(): number {
    return this.#heardMs
  }

  /** The answer's body. Throws errors.ts, and the signal's reason when it aborted. */
  async send(call: ApiCall, signal: AbortSignal): Promise<string> {
    for (let sent = 1; ; sent++) {
      const { status, body, retryAfterMs } = await this.#once(call, signal)
      if (status < 400) return body
      const refusal = refusalOf(status, body)
      if (sent > resends) throw errorOf(refusal, call.what)
      if (status === 401 && sent === 1) this.#parts.connection.renew()
      else if (isPutOff(refusal) && retryAfterMs <= longestPauseMs)
        await this.#pause(retryAfterMs, signal)
      else throw errorOf(refusal, call.what)
    }
  }

  /** For a connection that is kept open; counted against the rate like a call. */
  async access(signal: AbortSignal): Promise<Access> {
    await this.#parts.rate.turn(signal)
    return this.#parts.connection.access()
  }

  /** The same, as somebody else: the API server asks whether we may, and judges by his rights alone. */
  as(user: string): Caller {
    return {
      send: (call, signal) => this.send({ ...call, user }, signal),
      access: async (signal) => {
        const access = await this.access(signal)
        return { ...access, headers: { ...access.headers, ...impersonating(user) } }
      },
    }
  }

  async #pause(ms: number, signal: AbortSignal): Promise<void> {
    this.#parts.rate.quiet(ms)
    await sleep(ms, undefined, { signal })
  }

  async #once(call: ApiCall, signal: AbortSignal): Promise<Answered> {
    const { rate, onCall } = this.#parts
    await rate.turn(signal)
    const timeout = AbortSignal.timeout(call.timeoutMs ?? defaultTimeoutMs)
    const either = AbortSignal.any([signal, timeout])
    try {
      const answered = await this.#exchange(call, either)
      this.#away = null
      this.#heardMs = Date.now()
      onCall(call.verb, String(answered.status))
      return answered
    } catch (error) {
      if (error instanceof ActionFailed) throw error
      onCall(call.verb, 'error')
      signal.throwIfAborted()
      const reason = timeout.aborted ? 'no answer in time' : messageOf(error)
      this.#away = reason
      throw new ActionFailed(`cannot ${call.what}: the API server is away: ${reason}`, true, {
        cause: error,
      })
    }
  }

  async #exchange(
    { method, path, body, contentType, maxBytes = defaultMaxBytes, what, user }: ApiCall,
    signal: AbortSignal,
  ): Promise<Answered> {
    const { connection, userAgent } = this.#parts
    const { server, dispatcher, headers } = await connection.access()
    const prefix = server.pathname.replace(/\/$/, '')
    const response = await request(`${server.origin}${prefix}${path}`, {
      dispatcher,
      method,
      signal,
      headers: {
        ...headers,
        ...impersonating(user),
        'user-agent': userAgent,
        accept: 'application/json, */*',
        ...(body === undefined ? {} : { 'content-type': contentType ?? 'application/json' }),
      },
      body: body === undefined ? null : JSON.stringify(body),
    })
    return {
      status: response.statusCode,
      body: await bounded(response, maxBytes, what),
      retryAfterMs: retryAfterOf(response.headers['retry-after']),
    }
  }
}

const impersonating = (user: string | undefined): Readonly<Record<string, string>> =>
  user === undefined ? {} : { 'impersonate-user': user }

interface Answered {
  readonly status: number
  readonly body: string
  readonly retryAfterMs: number
}

async function bounded(
  { body }: Dispatcher.ResponseData,
  maxBytes: number,
  what: string,
): Promise<string> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of body) {
    if (!Buffer.isBuffer(chunk)) continue
    chunks.push(chunk)
    size += chunk.length
    if (size > maxBytes)
      throw new ActionFailed(`cannot ${what}: the answer is larger than ${maxBytes} bytes`, false)
  }
  return Buffer.concat(chunks).toString('utf8')
}

/** The server is too busy and did nothing yet. A disruption budget's 429 is about the object, not the load. */
const isPutOff = ({ code, causes }: Refusal): boolean =>
  code === 429 && !causes.includes('DisruptionBudget')

const retryAfterOf = (header: string | string[] | undefined): number => {
  const seconds = Number(header)
  return Number.isFinite(seconds) && seconds > 0 ? seconds * 1000 : 250
}
