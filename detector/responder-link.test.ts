import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import http from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from '@jest/globals'
import { noPods } from '../contract/protected-pods.ts'
import { type Alert, alertBatchSchema } from '../contract/alert.ts'
import {
  type Answer,
  type Heartbeat,
  type Orders,
  type Verdict,
  answerSchema,
  heartbeatSchema,
  nodeHeader,
  nodeRoutes,
} from '../contract/verdict.ts'
import { type LinkOptions, ResponderLink } from './responder-link.ts'

let directory = ''
const cleanups: (() => Promise<unknown>)[] = []
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'link-'))
})
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup()
  await rm(directory, { recursive: true })
})

async function until(isTrue: () => boolean) {
  while (!isTrue()) await new Promise((resolve) => setTimeout(resolve, 2))
}

/** A second, small responder: the routes of the contract, with what it got. */
async function responder() {
  const seen = { alerts: [] as string[], heartbeats: [] as Heartbeat[], answers: [] as Answer[] }
  const orders: Orders[] = []
  let refusedAnswers = 0
  const polls: (() => void)[] = []
  const server = http.createServer((request, response) => {
    let body = ''
    request.on('data', (bytes) => (body += String(bytes)))
    request.on('end', () => {
      const isNode = request.headers[nodeHeader] === 'node-a'
      if (!isNode || request.headers.authorization !== 'Bearer secret')
        response.writeHead(401).end()
      else if (request.url === nodeRoutes.alerts) {
        const { alerts } = alertBatchSchema.parse(JSON.parse(body))
        seen.alerts.push(...alerts.map(({ output }) => output))
        response.writeHead(204).end()
      } else if (request.url === nodeRoutes.heartbeat) {
        seen.heartbeats.push(heartbeatSchema.parse(JSON.parse(body)))
        response.writeHead(204).end()
      } else if (request.url === nodeRoutes.answers) {
        if (refusedAnswers-- > 0) response.writeHead(503).end()
        else {
          seen.answers.push(answerSchema.parse(JSON.parse(body)))
          response.writeHead(204).end()
        }
      } else {
        const reply = () => response.end(JSON.stringify(orders.shift()))
        if (orders.length > 0) reply()
        else polls.push(reply)
      }
    })
  })
  server.listen(join(directory, 'socket'))
  await once(server, 'listening')
  const close = async () => {
    server.closeAllConnections()
    server.close()
    await once(server, 'close')
  }
  return {
    seen,
    close,
    order(next: Partial<Orders>) {
      orders.push({
        verdicts: [],
        strikes: { generation: 'g1', orders: [], protectedPods: noPods },
        killSwitch: false,
        ...next,
      })
      polls.shift()?.()
    },
    refuseAnswers(count: number) {
      refusedAnswers = count
    },
  }
}

const alert = (output: string): Alert => ({
  id: '0'.repeat(32),
  node: 'node-a',
  bootId: 'boot',
  rule: 'r',
  priority: 'Notice',
  source: 'syscall',
  tags: [],
  time: '2026-11-21T00:00:00.000000000Z',
  output,
  outputFields: {},
  actions: [],
  process: null,
  place: null,
  request: null,
  object: null,
  strikes: [],
})

const verdict = (id: string, operation: Verdict['operation'] = 'run'): Verdict => ({
  id,
  operation,
  action: 'kill_process',
  parameters: {},
  bootId: 'boot',
  process: null,
  place: null,
  fields: {},
  effect: null,
  deadlineMs: 0,
})

let judged = 0
async function link(more: Partial<LinkOptions> = {}) {
  const opened = await ResponderLink.open({
    endpoint: { url: `unix:${join(directory, 'socket')}`, keepAlive: true, isInsecure: false },
    node: 'node-a',
    token: () => 'secret',
    spool: { directory: join(directory, 'spool'), maxBytes: 1024 * 1024, syncMs: 50 },
    random: () => 0,
    heartbeat: () => ({
      node: 'node-a',
      bootId: 'boot',
      version: '0',
      startedMs: 1,
      sentMs: 2,
      isReady: true,
      rules: { loaded: 1, enabled: 1, sha256: '' },
      events: { judged, lost: {} },
      degraded: [],
      strikes: { generation: '', active: [], unavailable: [] },
      scope: 'host',
      residentBytes: 1,
    }),
    execute: ({ id, operation }) => Promise.resolve(answered(id, operation)),
    onOrders: () => undefined,
    ...more,
  })
  cleanups.push(() => opened.stop(0))
  opened.start()
  return opened
}

const answered = (id: string, operation: Verdict['operation']): Answer => ({
  id,
  operation,
  status: 'done',
  detail: 'killed',
  effect: null,
  isRetryable: false,
  finishedMs: 3,
})

test('alerts raised while the responder is away arrive in order once it is there', async () => {
  const opened = await link()
  for (let i = 0; i < 1200; i++) opened.alert(alert(String(i)))
  await until(() => opened.status.problem !== undefined)
  const served = await responder()
  cleanups.push(served.close)
  await until(() => opened.status.pending === 0)
  expect(served.seen.alerts.map(Number)).toEqual(Array.from({ length: 1200 }, (_, index) => index))
  await until(() => opened.status.problem === undefined)
})

test('a change is told at once, not at the next second', async () => {
  const served = await responder()
  cleanups.push(served.close)
  const opened = await link()
  await until(() => served.seen.heartbeats.length > 0)
  for (judged = 1; judged <= 10; judged++) {
    opened.changed()
    const wanted = judged
    await until(() => served.seen.heartbeats.at(-1)?.events.judged === wanted)
  }
  expect(served.seen.heartbeats.length).toBeGreaterThanOrEqual(11)
})

test('a verdict is carried out and its answer posted until the responder has taken it', async () => {
  const served = await responder()
  cleanups.push(served.close)
  served.refuseAnswers(2)
  await link()
  served.order({ verdicts: [verdict('step-1')] })
  await until(() => served.seen.answers.length === 1)
  expect(served.seen.answers).toEqual([answered('step-1', 'run')])
})

test('every order reaches execute under the kill switch, after it was told of the switch', async () => {
  const served = await responder()
  cleanups.push(served.close)
  const seen: string[] = []
  await link({
    onOrders: ({ killSwitch }) => seen.push(`switch ${killSwitch}`),
    execute: ({ id, operation }) => {
      seen.push(id)
      return Promise.resolve(answered(id, operation))
    },
  })
  served.order({ killSwitch: true, verdicts: [verdict('a'), verdict('b', 'undo')] })
  await until(() => served.seen.answers.length === 2)
  expect(seen).toEqual(['switch true', 'a', 'b'])
})

test('an order that comes again while it is carried out is not carried out twice', async () => {
  const served = await responder()
  cleanups.push(served.close)
  let runs = 0
  const { promise: isOver, resolve: finish } = Promise.withResolvers<void>()
  await link({
    execute: async ({ id, operation }) => {
      runs++
      await isOver
      return answered(id, operation)
    },
  })
  served.order({ verdicts: [verdict('a')] })
  await until(() => runs === 1)
  served.order({ verdicts: [verdict('a')] })
  served.order({ strikes: { generation: 'g2', orders: [], protectedPods: noPods } })
  await until(() => served.seen.heartbeats.length > 0)
  finish()
  await until(() => served.seen.answers.length === 1)
  expect(runs).toBe(1)
})
