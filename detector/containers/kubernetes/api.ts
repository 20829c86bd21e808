/** GET from the API server: whole, or line by line as a watch goes on. A library for it would be 90 MB of memory. */
import { type IncomingMessage } from 'node:http'
import { Agent, request } from 'node:https'
import type { ApiAccess } from './access.ts'

/** The API server does not answer, or not with what was asked for. */
export class ApiAway extends Error {
  readonly code: string
  readonly retryable = true
  /** HTTP status, 0 when there was none. */
  readonly status: number

  constructor(message: string, status = 0, cause?: unknown) {
    super(message, { cause })
    this.status = status
    this.code = 'kubernetes_api_away'
  }
}

const CONNECT_MS = 10_000
const MAX_LIST_BYTES = 128 * 1024 * 1024
/** An object is at most 1.5 MiB in etcd. */
const MAX_LINE_BYTES = 8 * 1024 * 1024

export class Api {
  readonly #access: ApiAccess
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 2 })

  constructor(access: ApiAccess) {
    this.#access = access
  }

  async get(path: string, signal: AbortSignal): Promise<unknown> {
    const chunks: Buffer[] = []
    let bytes = 0
    for await (const chunk of chunksOf(await this.#open(path, signal))) {
      bytes += chunk.length
      if (bytes > MAX_LIST_BYTES) throw new ApiAway('its answer is too large')
      chunks.push(chunk)
    }
    return parseJson(Buffer.concat(chunks).toString())
  }

  /** Each line as an object, until the server or the signal ends it. `onOpen`: the server has agreed. */
  async watch(
    path: string,
    signal: AbortSignal,
    { onOpen, onObject }: { onOpen: () => void; onObject: (object: unknown) => void },
  ): Promise<void> {
    const response = await this.#open(path, signal)
    onOpen()
    let rest: Buffer[] = []
    let bytes = 0
    for await (const chunk of chunksOf(response)) {
      let start = 0
      for (let end = chunk.indexOf(LF); end >= 0; end = chunk.indexOf(LF, start)) {
        onObject(parseJson(Buffer.concat([...rest, chunk.subarray(start, end)]).toString()))
        rest = []
        bytes = 0
        start = end + 1
      }
      if (start === chunk.length) continue
      rest.push(chunk.subarray(start))
      bytes += chunk.length - start
      if (bytes > MAX_LINE_BYTES) throw new ApiAway('one object of its watch is too large')
    }
  }

  close(): void {
    this.#agent.destroy()
  }

  async #open(path: string, signal: AbortSignal): Promise<IncomingMessage> {
    try {
      const response = await this.#send(path, signal)
      const { statusCode = 0 } = response
      if (statusCode === 200) return response
      response.resume()
      throw new ApiAway(`it answers HTTP ${statusCode} to ${path.split('?')[0]}`, statusCode)
    } catch (cause) {
      if (cause instanceof ApiAway) throw cause
      throw new ApiAway(messageOf(cause), 0, cause)
    }
  }

  #send(path: string, signal: AbortSignal): Promise<IncomingMessage> {
    const { server, ca, certificate: cert, key, isInsecure } = this.#access
    const token = this.#access.token()
    return new Promise((resolve, reject) => {
      const sent = request(
        new URL(`${server.pathname.replace(/\/$/, '')}${path}`, server),
        {
          agent: this.#agent,
          signal,
          ca,
          cert,
          key,
          rejectUnauthorized: !isInsecure,
          headers: {
            accept: 'application/json',
            'user-agent': 'riposte-detector',
            ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
          },
        },
        (response) => {
          // From here on silence is normal; the watch's own timeout ends it.
          sent.setTimeout(0)
          resolve(response)
        },
      )
      sent.setTimeout(CONNECT_MS, () =>
        sent.destroy(new Error(`no answer in ${CONNECT_MS / 1000} s`)),
      )
      sent.on('error', reject)
      sent.end()
    })
  }
}

const LF = 0x0a

/** A connection that breaks is a server that is away, whoever broke it. */
async function* chunksOf(response: IncomingMessage): AsyncGenerator<Buffer> {
  try {
    for await (const chunk of response) if (Buffer.isBuffer(chunk)) yield chunk
  } catch (cause) {
    if (cause instanceof ApiAway) throw cause
    throw new ApiAway(messageOf(cause), 0, cause)
  }
}

const messageOf = (cause: unknown) => (cause instanceof Error ? cause.message : String(cause))

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new ApiAway('it answers what is no JSON', 0, cause)
  }
}
