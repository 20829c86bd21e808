/** A program in a container, by the API server's exec over WebSocket (v5.channel.k8s.io: a byte of channel, then data). */
import { WebSocket } from 'undici'
import { z } from 'zod'
import { ActionFailed } from '../actions/errors.ts'
import type { Access } from './connection.ts'
import type { Executed, ExecRequest } from './kubernetes.ts'

const protocols = ['v5.channel.k8s.io', 'v4.channel.k8s.io']
const channels = { stdout: 1, stderr: 2, status: 3 } as const

/** The query of the request. Each argument is one parameter, whatever is in it: no shell ever sees it. */
export function execQuery({ container, argv }: ExecRequest): string {
  const query = new URLSearchParams({ container, stdout: 'true', stderr: 'true' })
  for (const argument of argv) query.append('command', argument)
  return `?${query.toString()}`
}

/** The way was not opened: nothing ran. */
export class NotOpened extends Error {}

/** Throws NotOpened, ActionFailed (it ran, or may have: never to be tried again), and the signal's reason. */
export async function execute(
  { server, dispatcher, headers }: Access,
  path: string,
  { maxBytes, timeoutMs }: ExecRequest,
  signal: AbortSignal,
): Promise<Executed> {
  const url = new URL(`${server.origin}${server.pathname.replace(/\/$/, '')}${path}`)
  url.protocol = url.protocol === 'http:' ? 'ws:' : 'wss:'
  const socket = new WebSocket(url, { protocols, dispatcher, headers })
  socket.binaryType = 'arraybuffer'
  const timeout = AbortSignal.timeout(timeoutMs)
  const output = new Output(maxBytes)
  const { promise, resolve, reject } = Promise.withResolvers<string>()
  let isOpen = false
  socket.addEventListener('open', () => {
    isOpen = true
  })
  socket.addEventListener('message', ({ data }) => {
    if (!(data instanceof ArrayBuffer)) return
    const [channel = -1] = new Uint8Array(data, 0, Math.min(1, data.byteLength))
    const bytes = Buffer.from(data.slice(1))
    if (channel === channels.status) resolve(bytes.toString('utf8'))
    else output.take(channel, bytes)
  })
  const ended = () => {
    const lost = 'the connection ended before the program did; it may have run'
    reject(isOpen ? new ActionFailed(lost, false) : new NotOpened('no WebSocket to the API server'))
  }
  socket.addEventListener('error', ended)
  socket.addEventListener('close', ended)
  timeout.addEventListener('abort', () => {
    reject(
      new ActionFailed(`the program did not end within ${timeoutMs} ms; it may still run`, false),
    )
  })
  const aborted = () => {
    reject(signal.reason)
  }
  signal.addEventListener('abort', aborted, { once: true })
  try {
    signal.throwIfAborted()
    const exitCode = exitCodeOf(await promise)
    return { ...output.texts(), exitCode }
  } finally {
    signal.removeEventListener('abort', aborted)
    socket.close()
  }
}

/** The first bytes of each stream; the rest is read and let go, so that the program is not held up. */
class Output {
  readonly #kept: Record<'stdout' | 'stderr', Buffer[]> = { stdout: [], stderr: [] }
  #left: number
  #isCut = false

  constructor(maxBytes: number) {
    this.#left = maxBytes
  }

  take(channel: number, bytes: Buffer): void {
    const kept = bytes.subarray(0, this.#left)
    this.#left -= kept.length
    this.#isCut ||= kept.length < bytes.length
    if (channel === channels.stdout) this.#kept.stdout.push(kept)
    else if (channel === channels.stderr) this.#kept.stderr.push(kept)
  }

  texts(): Omit<Executed, 'exitCode'> {
    const { stdout, stderr } = this.#kept
    return { stdout: textOf(stdout), stderr: textOf(stderr), isCut: this.#isCut }
  }
}

const textOf = (parts: readonly Buffer[]): string => Buffer.concat(parts).toString('utf8')

const statusSchema = z.looseObject({
  status: z.string(),
  reason: z.string().default(''),
  message: z.string().default(''),
  details: z
    .looseObject({
      causes: z
        .array(z.looseObject({ reason: z.string().default(''), message: z.string().default('') }))
        .default([]),
    })
    .prefault({}),
})

function exitCodeOf(text: string): number {
  const { status, reason, message, details } = statusSchema.parse(JSON.parse(text))
  if (status === 'Success') return 0
  const cause = details.causes.find((one) => one.reason === 'ExitCode')
  if (reason === 'NonZeroExitCode' && cause !== undefined) return Number(cause.message)
  throw new ActionFailed(`the program was not run: ${message.slice(0, 500)}`, false)
}
