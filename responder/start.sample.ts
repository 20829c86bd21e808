/** A whole responder for tests: own directory, own Redis, free port; and a node that answers what it is asked. */
import { createHash } from 'node:crypto'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { Client, Pool } from 'undici'
import type { Alert } from '../contract/alert.ts'
import {
  nodeHeader,
  nodeRoutes,
  sha256Header,
  ordersSchema,
  type Answer,
  type Orders,
  type Verdict,
} from '../contract/verdict.ts'
import { readConfig } from './config.ts'
import { readOrCreateSecret, readSecret } from './http/secret-file.ts'
import { startResponder, type Responder, type ResponderParts } from './main.ts'

export interface Sample extends AsyncDisposable {
  readonly responder: Responder
  readonly directory: string
  readonly policyDirectory: string
  readonly apiToken: string
  /** What the notifier `log` wrote. */
  readonly told: readonly string[]
  /** Over the unix socket, as the local user. */
  readonly call: (method: 'GET' | 'POST', path: string, body?: unknown) => Promise<Reply>
  readonly restart: () => Promise<void>
}

export interface Reply {
  readonly status: number
  // oxlint-disable-next-line typescript/no-explicit-any -- tests look into answers of every shape
  readonly body: any
}

export async function startSample(
  policies: Readonly<Record<string, string>>,
  flags: Readonly<Record<string, unknown>> = {},
  core: ResponderParts['core'] = {},
): Promise<Sample> {
  const directory = await mkdtemp(join(tmpdir(), 'riposte-'))
  const policyDirectory = join(directory, 'policies')
  await writeFiles(policyDirectory, policies)
  const told: string[] = []
  const logger = pino({ level: 'info' }, { write: (line) => void told.push(line) })
  const apiTokenFile = join(directory, 'api-token')
  const apiToken = readOrCreateSecret(apiTokenFile)
  const start = () => {
    const { config } = readConfig({
      flags: { listen: '127.0.0.1:0', apiTokenFile, ...flags },
      environment: {},
      file: null,
      defaults: { data: join(directory, 'data'), policies: policyDirectory },
    })
    if (config === null) throw new Error('the configuration of the test is wrong')
    return startResponder({
      config,
      logger,
      version: '0.0.0',
      onPolicies: () => {},
      core,
    })
  }
  let responder = await start()
  return {
    get responder() {
      return responder
    },
    directory,
    policyDirectory,
    apiToken,
    told,
    call: (method, path, body) => callSocket(responder.socketPath, method, path, body),
    restart: async () => {
      await responder[Symbol.asyncDispose]()
      responder = await start()
    },
    [Symbol.asyncDispose]: async () => {
      await responder[Symbol.asyncDispose]()
      await rm(directory, { recursive: true })
    },
  }
}

async function writeFiles(directory: string, files: Readonly<Record<string, string>>) {
  await mkdir(directory, { recursive: true })
  for (const [name, text] of Object.entries(files)) await writeFile(join(directory, name), text)
}

export async function callSocket(
  socketPath: string,
  method: 'GET' | 'POST',
  path: string,
  body?: unknown,
  headers: Readonly<Record<string, string>> = {},
): Promise<Reply> {
  const client = new Client('http://localhost', { socketPath })
  try {
    const json = body === undefined ? {} : { 'content-type': 'application/json' }
    const response = await client.request({
      method,
      path,
      headers: { ...json, ...headers },
      body: body === undefined ? null : JSON.stringify(body),
    })
    const text = await response.body.text()
    const isJson = response.headers['content-type']?.includes('application/json') === true
    return { status: response.statusCode, body: isJson ? JSON.parse(text) : text }
  } finally {
    await client.close()
  }
}

type Answers = (verdict: Verdict) => Promise<Said> | Said
type Said = Pick<Answer, 'status' | 'detail'>

const sha256Of = (bytes: string | Buffer) => createHash('sha256').update(bytes).digest('hex')

/** The node's side of the contract, by hand: polls, and answers each order with what `answer` says. */
export class SampleNode implements AsyncDisposable {
  readonly orders: Orders[] = []
  readonly verdicts: Verdict[] = []
  readonly #client: Pool
  readonly #headers: Record<string, string>
  readonly #stopping = new AbortController()
  #polling: Promise<void> = Promise.resolve()

  constructor({ responder }: Sample, name = 'node-a') {
    this.#client = new Pool('http://localhost', { socketPath: responder.socketPath })
    this.#headers = {
      authorization: `Bearer ${readSecret(responder.nodeTokenFile)}`,
      [nodeHeader]: name,
      'content-type': 'application/json',
    }
  }

  async post(path: string, body: unknown): Promise<number> {
    const request = {
      method: 'POST',
      path,
      headers: this.#headers,
      body: JSON.stringify(body),
    } as const
    const response = await this.#client.request(request)
    await response.body.dump()
    return response.statusCode
  }

  alerts(...alerts: readonly Alert[]): Promise<number> {
    return this.post(nodeRoutes.alerts, { alerts })
  }

  /** A file of a step, as detectors hand it over. */
  async handOver(stepId: string, name: string, bytes: string | Buffer, sha256 = sha256Of(bytes)) {
    const response = await this.#client.request({
      method: 'POST',
      path: `${nodeRoutes.evidence}/${stepId}/${encodeURIComponent(name)}`,
      headers: {
        ...this.#headers,
        'content-type': 'application/octet-stream',
        [sha256Header]: sha256,
      },
      body: bytes,
    })
    return { status: response.statusCode, text: await response.body.text() }
  }

  start(answer: Answers): void {
    this.#polling = this.#poll(answer)
  }

  async #poll(answer: Answers) {
    const { signal } = this.#stopping
    while (!signal.aborted) {
      const held = this.orders.at(-1)?.strikes.generation ?? ''
      const path = `${nodeRoutes.orders}?strikes=${held}&waitMs=20000`
      try {
        const response = await this.#client.request({
          method: 'GET',
          path,
          headers: this.#headers,
          signal,
        })
        const orders = ordersSchema.parse(await response.body.json())
        this.orders.push(orders)
        for (const verdict of orders.verdicts) {
          this.verdicts.push(verdict)
          const { id, operation } = verdict
          const rest = { effect: { pid: 812 }, isRetryable: false, finishedMs: Date.now() }
          await this.post(nodeRoutes.answers, {
            id,
            operation,
            ...rest,
            ...(await answer(verdict)),
          })
        }
      } catch (error) {
        if (!signal.aborted) throw error
      }
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopping.abort()
    await this.#polling
    await this.#client.destroy()
  }
}

/** Asks again until it is so; the test's own time is the limit. */
export async function until<Found>(
  look: () => Promise<Found | undefined> | Found | undefined,
): Promise<Found> {
  for (;;) {
    const found = await look()
    if (found !== undefined) return found
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}
