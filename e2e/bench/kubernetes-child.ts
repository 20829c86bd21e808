/** The real responder in a process of its own, for kubernetes.bench.ts: its own configuration file, actions and rate. */
import { readFileSync } from 'node:fs'
import { pino } from 'pino'
import { readConfig } from '../../responder/config.ts'
import { readSecret } from '../../responder/http/secret-file.ts'
import { Rate } from '../../responder/kubernetes/rate.ts'
import { startResponder } from '../../responder/main.ts'
import type { Point } from '../../responder/run-parts.ts'

/** What the responder spent so far. */
export interface Spent {
  readonly cpuMs: number
  readonly apiCalls: number
  /** Calls that `kubernetes.qps` held back. */
  readonly waits: number
}

export interface Report {
  /** When a step of a target came to a point, in milliseconds of the epoch; since the report before. */
  readonly marks: readonly (readonly [point: Point, targetUid: string, atMs: number])[]
  readonly spent: Spent
}

export interface Hello {
  readonly url: string
  readonly socketPath: string
  readonly token: string
}

const calls = { apiCalls: 0, waits: 0 }
const turn: unknown = Object.getOwnPropertyDescriptor(Rate.prototype, 'turn')?.value
if (typeof turn !== 'function') throw new Error('the rate has no turns to count')
Rate.prototype.turn = async function counted(this: Rate, signal: AbortSignal) {
  calls.apiCalls++
  // A turn that is free resolves before the event loop goes on.
  const held = setImmediate(() => calls.waits++)
  await Reflect.apply(turn, this, [signal])
  clearImmediate(held)
}

const [configFile = '', data = '', policies = ''] = process.argv.slice(2)
const { config, problems } = readConfig({
  flags: {},
  environment: {},
  file: { name: configFile, text: readFileSync(configFile, 'utf8') },
  defaults: { data, policies },
})
if (config === null) throw new Error(problems.map(({ message }) => message).join('\n'))
let marks: [Point, string, number][] = []
const responder = await startResponder({
  config,
  logger: pino({ level: 'warn' }, pino.destination(2)),
  version: '0.0.0',
  onPolicies: (files) => {
    for (const { message } of files.problems()) process.stderr.write(`${message}\n`)
  },
  core: {
    reach: (point, { target }) => {
      marks.push([point, target.uid, performance.timeOrigin + performance.now()])
    },
  },
})

process.on('message', () => {
  const { user, system } = process.cpuUsage()
  const report: Report = { marks, spent: { cpuMs: (user + system) / 1000, ...calls } }
  process.send?.(report)
  marks = []
})
process.once('disconnect', () => {
  void responder[Symbol.asyncDispose]()
})
const { url, socketPath, nodeTokenFile } = responder
const hello: Hello = { url, socketPath, token: readSecret(nodeTokenFile) }
process.send?.(hello)
