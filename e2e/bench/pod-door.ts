/** The responder's doors for the bench beside: alerts of pods as a node posts them, votes as a person casts them. */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { Pool } from 'undici'
import type { Alert } from '../../contract/alert.ts'
import { nodeHeader, nodeRoutes } from '../../contract/verdict.ts'
import { podAlert } from '../../responder/policy/alert.sample.ts'
import type { Hello, Report } from './kubernetes-child.ts'
import type { BenchPod } from './pod-effects.ts'

export interface Pending {
  readonly id: string
  readonly targetName: string
}

interface Told {
  readonly decisions: readonly {
    readonly status: string
    readonly summary: string
    readonly outcome: { readonly status: string } | null
  }[]
}

let alerts = 0
export function alertOf({ name, uid }: BenchPod, rule: string): Alert {
  const alert = podAlert({ uid, name, namespace: 'default', labels: {}, owners: [] })
  const number = ++alerts
  const process = alert.process === null ? null : { ...alert.process, pid: 100 + number }
  return { ...alert, id: number.toString(16).padStart(32, '0'), rule, process }
}

export class PodDoor implements AsyncDisposable {
  readonly #child: ChildProcess
  readonly #network: Pool
  readonly #socket: Pool
  readonly #headers: Readonly<Record<string, string>>

  private constructor(child: ChildProcess, { url, token, socketPath }: Hello) {
    this.#child = child
    this.#network = new Pool(url, { connections: 32 })
    this.#socket = new Pool('http://localhost', { socketPath, connections: 32 })
    this.#headers = {
      authorization: `Bearer ${token}`,
      [nodeHeader]: 'node-a',
      'content-type': 'application/json',
    }
  }

  /** `execArgv`: of the responder's process, such as `--cpu-prof`. */
  static async open(args: readonly string[], execArgv: readonly string[]): Promise<PodDoor> {
    const child = fork(join(import.meta.dirname, 'kubernetes-child.ts'), args, {
      execArgv: [...process.execArgv, ...execArgv],
    })
    const [hello]: Hello[] = await Promise.race([once(child, 'message'), once(child, 'exit')])
    if (typeof hello !== 'object') throw new Error('the responder did not start')
    return new PodDoor(child, hello)
  }

  async post(posted: readonly Alert[]): Promise<void> {
    const body = JSON.stringify({ alerts: posted })
    await call(this.#network, 'POST', nodeRoutes.alerts, body, this.#headers)
  }

  async pending(): Promise<readonly Pending[]> {
    const text = await call(this.#socket, 'GET', '/v1/approvals?limit=1000')
    const { approvals }: { approvals: readonly Pending[] } = JSON.parse(text)
    return approvals
  }

  /** What became of steps that are not done, each kind of answer once: why an effect is not seen. */
  async notDone(): Promise<readonly string[]> {
    const { alerts: found }: { alerts: readonly Told[] } = JSON.parse(
      await call(this.#socket, 'GET', '/v1/alerts?limit=1000'),
    )
    const left = found.flatMap(({ decisions }) => decisions).filter(({ outcome }) => outcome?.status !== 'done') // prettier-ignore
    const kinds = Map.groupBy(left, ({ status, outcome }) => outcome?.status ?? status)
    return [...kinds].map(([kind, all]) => `${all.length} ${kind}: ${all[0]?.summary}`)
  }

  async approve(id: string): Promise<void> {
    const body = JSON.stringify({ choice: 'approve' })
    const json = { 'content-type': 'application/json' }
    await call(this.#socket, 'POST', `/v1/approvals/${id}/votes`, body, json)
  }

  async report(): Promise<Report> {
    const answer = once(this.#child, 'message')
    this.#child.send('report')
    const [report]: Report[] = await answer
    if (report === undefined) throw new Error('the responder said nothing')
    return report
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode === null) {
      const exit = once(this.#child, 'exit')
      this.#child.disconnect()
      await exit
    }
    await Promise.all([this.#network.destroy(), this.#socket.destroy()])
  }
}

async function call(
  pool: Pool,
  method: 'GET' | 'POST',
  path: string,
  body: string | null = null,
  headers: Readonly<Record<string, string>> = {},
): Promise<string> {
  const response = await pool.request({ method, path, headers, body })
  const text = await response.body.text()
  if (response.statusCode >= 300)
    throw new Error(`${method} ${path}: ${response.statusCode} ${text}`)
  return text
}
