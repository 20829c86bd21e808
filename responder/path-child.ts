/** A whole responder in a process of its own, for the bench beside it: an action whose effect is an HTTP call. */
import { StatementSync } from 'node:sqlite'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import { pino } from 'pino'
import { Pool } from 'undici'
import { z } from 'zod'
import { action } from './actions/action.ts'
import { readConfig } from './config.ts'
import { readSecret } from './http/secret-file.ts'
import { startResponder } from './main.ts'

const [data = '', policies = '', api = ''] = process.argv.slice(2)
const pool = new Pool(api, { connections: 64 })

async function call(method: 'GET' | 'PATCH', target: string): Promise<void> {
  const path = `/${encodeURIComponent(target)}`
  const { body } = await pool.request({ method, path, body: method === 'PATCH' ? '{}' : null })
  await body.dump()
}

/** As an action on a Kubernetes object is: one GET to plan, one PATCH to act, one GET to verify. */
const mark = action({
  name: 'mark_object',
  summary: 'Patches an object.',
  risk: 'mark',
  target: 'process',
  parameters: z.strictObject({}),
  capabilities: [],
  rbac: [],
  undoes: null,
  async plan({ target }) {
    await call('GET', target.uid)
    return { kind: 'change', detail: `patch ${target.name}`, effect: { label: 'seen' } }
  },
  async run({ target }, effect) {
    await call('PATCH', target.uid)
    return { detail: `patched ${target.name}`, effect }
  },
  async verify({ target }) {
    await call('GET', target.uid)
    return true
  },
})

const statements = { all: 0, commits: 0 }
for (const name of ['run', 'all'] as const) {
  const original = StatementSync.prototype[name]
  StatementSync.prototype[name] = function counted(this: StatementSync, ...values: never[]) {
    statements.all++
    if (this.sourceSQL === 'commit') statements.commits++
    return Reflect.apply(original, this, values)
  }
}

/** Where each step was when, in milliseconds of the epoch. */
let marks: [point: string, target: string, atMs: number][] = []
const { config } = readConfig({
  flags: { listen: '127.0.0.1:0' },
  environment: {},
  file: null,
  defaults: { data, policies },
})
if (config === null) throw new Error('the configuration of the bench is wrong')
const responder = await startResponder({
  config,
  logger: pino({ level: 'warn' }, pino.destination(2)),
  version: '0.0.0',
  onPolicies: (files) => {
    for (const problem of files.problems()) process.stderr.write(`${problem.message}\n`)
  },
  core: {
    actions: [mark],
    reach: (point, step) => {
      marks.push([point, step.target.uid, performance.timeOrigin + performance.now()])
    },
  },
})
const redis = new Redis({ path: join(data, 'redis', 'redis.sock') })

async function counts() {
  const { user, system } = process.cpuUsage()
  const said = /^total_commands_processed:(\d+)/m.exec(await redis.info('stats'))?.[1]
  return { cpuMs: (user + system) / 1000, ...statements, redis: Number(said) }
}

process.on('message', () => {
  void counts().then((counted) => {
    process.send?.({ marks, counted })
    marks = []
  })
})
process.once('disconnect', () => {
  redis.disconnect()
  void responder[Symbol.asyncDispose]().then(() => pool.destroy())
})
process.send?.({ url: responder.url, token: readSecret(responder.nodeTokenFile) })
