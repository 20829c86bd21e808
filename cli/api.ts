/** The responder's HTTP API as the commands use it: over the unix socket in the data directory, or by URL and token. */
import { readFileSync } from 'node:fs'
import { Client } from 'undici'
import { apiSocket, dataDirectory } from './data-directory.ts'
import { CommandFailure, exitCodes, type Terminal } from './terminal.ts'

export interface ApiOptions {
  readonly data?: string | undefined
  /** https://host:port; without it the socket in the data directory. */
  readonly server?: string | undefined
  /** File with a bearer token for `server`. */
  readonly tokenFile?: string | undefined
  /** Whose word it is; believed from the socket only. */
  readonly as?: string | undefined
}

export interface Api {
  get(path: string): Promise<unknown>
  post(path: string, body: unknown): Promise<unknown>
  /** Server-sent events or long answers are read as they come. */
  stream(path: string): AsyncIterable<string>
  /** A file, byte by byte. */
  bytes(path: string): AsyncIterable<Uint8Array>
  close(): Promise<void>
}

const TIMEOUT_MS = 35_000

/** Throws CommandFailure with exit code 3 when nobody answers, 1 when the responder refuses. */
export function connectApi(options: ApiOptions, terminal: Terminal): Api {
  const server = options.server ?? terminal.environment['RIPOSTE_SERVER']
  const socket = apiSocket(dataDirectory(options.data, terminal))
  const timeouts = { headersTimeout: TIMEOUT_MS, bodyTimeout: TIMEOUT_MS }
  const client =
    server === undefined
      ? new Client('http://localhost', { ...timeouts, socketPath: socket })
      : new Client(server, timeouts)
  const where = server ?? socket
  const headers = authorization(options, terminal)
  const call = async (method: 'GET' | 'POST', path: string, body?: unknown) => {
    const request = { method, path, headers: { ...headers, ...json(body) }, ...bodyOf(body) }
    const response = await client.request(request).catch((error: unknown) => {
      throw unreachable(where, error)
    })
    const text = await response.body.text()
    if (response.statusCode < 300) return text === '' ? null : parse(text, where)
    throw refused(response.statusCode, text)
  }
  const open = async (path: string) => {
    const response = await client
      .request({ method: 'GET', path, headers, bodyTimeout: 0 })
      .catch((error: unknown) => {
        throw unreachable(where, error)
      })
    if (response.statusCode >= 300) throw refused(response.statusCode, await response.body.text())
    return response.body
  }
  return {
    get: (path) => call('GET', path),
    post: (path, body) => call('POST', path, body),
    async *stream(path) {
      const body = await open(path)
      body.setEncoding('utf8')
      for await (const chunk of body) yield String(chunk)
    },
    async *bytes(path) {
      for await (const chunk of await open(path)) if (chunk instanceof Uint8Array) yield chunk
    },
    close: () => client.close(),
  }
}

const json = (body: unknown): Record<string, string> =>
  body === undefined ? {} : { 'content-type': 'application/json' }
const bodyOf = (body: unknown) => (body === undefined ? {} : { body: JSON.stringify(body) })

function authorization({ tokenFile, as }: ApiOptions, { environment }: Terminal) {
  const file = tokenFile ?? environment['RIPOSTE_TOKEN_FILE']
  // For votes and the audit.
  const person = as ?? environment['SUDO_USER']
  const headers: Record<string, string> = person === undefined ? {} : { 'riposte-user': person }
  if (file !== undefined && file !== '')
    headers['authorization'] = `Bearer ${readFileSync(file, 'utf8').trim()}`
  return headers
}

function parse(text: string, where: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new CommandFailure(`${where} answered what is not JSON`, String(error))
  }
}

function unreachable(where: string, error: unknown): CommandFailure {
  const code = error instanceof Error && 'code' in error ? String(error.code) : String(error)
  const remedy =
    code === 'EACCES'
      ? 'the socket belongs to another user: run this with sudo'
      : 'start it with riposte run, or name its data directory with --data'
  return new CommandFailure(
    `no responder answers at ${where} (${code})`,
    remedy,
    exitCodes.unreachable,
  )
}

/** The API answers `{ error: { message } }`. */
function refused(status: number, text: string): CommandFailure {
  try {
    const body: unknown = JSON.parse(text)
    if (typeof body === 'object' && body !== null && 'error' in body) {
      const { error } = body
      if (typeof error === 'object' && error !== null && 'message' in error)
        return new CommandFailure(String(error.message))
    }
  } catch (error) {
    return new CommandFailure(`the responder answered ${status} (${String(error)})`)
  }
  return new CommandFailure(`the responder answered ${status}`)
}
