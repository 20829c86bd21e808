/** Two responders on one ledger and one Redis, and a node that polls the one that does not work on its step. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test as plain } from '@jest/globals'
import { Redis } from 'ioredis'
import type { Answer, Verdict } from '../contract/verdict.ts'
import { postgresHome } from '../e2e/ledgers.ts'
import { needs, reasonToSkip } from '../scripts/needs.ts'
import { NodeHub } from './http/node-hub.ts'
import { openLedger } from './ledger/open.ts'
import { startRedis, type OwnRedis } from './redis.ts'
import { openRelay, type Relay } from './relay.ts'

const home = postgresHome()
const test = reasonToSkip('redis') === undefined && home.missing === null ? plain : needs('postgresql', 'redis') // prettier-ignore

const channel = '{riposte}:nodes'
let directory = ''
let redis: OwnRedis
beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'riposte-relay-'))
  redis = await startRedis(directory)
  await home.start()
})
afterAll(async () => {
  await home[Symbol.asyncDispose]()
  await redis[Symbol.asyncDispose]()
  rmSync(directory, { recursive: true, force: true })
})

const verdict: Verdict = {
  id: 's1',
  operation: 'run',
  action: 'freeze',
  parameters: {},
  bootId: 'boot',
  process: null,
  place: null,
  fields: {},
  effect: null,
  deadlineMs: Date.now() + 600_000,
}
const answer: Answer = {
  id: 's1',
  operation: 'run',
  status: 'done',
  detail: 'frozen',
  effect: null,
  isRetryable: false,
  finishedMs: 0,
}

/** Two hubs that hear of one another, and what they logged. */
async function twoHubs(stack: AsyncDisposableStack) {
  const address = await home.fresh()
  const said: string[] = []
  const time = { ms: Date.now() }
  const open = async () => {
    const relay: { tell?: Relay['tell'] } = {}
    const hub = new NodeHub((news) => relay.tell?.(news))
    const ledger = stack.use(await openLedger(address))
    const opened = await openRelay({
      ledger,
      redis: redis.address,
      hear: (news) => {
        hub.hear(news)
      },
      nowMs: () => time.ms,
      log: (message) => said.push(message),
    })
    relay.tell = stack.use(opened).tell
    stack.defer(() => {
      hub.close()
    })
    return hub
  }
  const [one, other] = [await open(), await open()]
  await heard(one, other)
  await heard(other, one)
  return { one, other, said, time }
}

/** Tells until it is heard: Redis is not subscribed to at once. */
async function heard(from: NodeHub, by: NodeHub) {
  const node = `probe-${Math.random()}`
  while (!by.seen().some((seen) => seen.node === node)) {
    from.answer(node, answer)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

const polls = async (hub: NodeHub) =>
  (await hub.orders('a', '', 60_000, new AbortController().signal)).verdicts
const never = new AbortController().signal

test('a node gets its order, and its answer arrives, at whichever responder it polls', async () => {
  await using stack = new AsyncDisposableStack()
  const { one, other } = await twoHubs(stack)
  await polls(other)
  const polling = polls(other)
  const asked = one.ask('a', verdict)
  expect(await polling).toEqual([verdict])
  other.answer('a', answer)
  expect(await asked).toEqual(answer)
  expect(one.seen().concat(other.seen()).map(({ waiting }) => waiting).every((count) => count === 0)).toBe(true) // prettier-ignore
})

test('an order that was given up at one responder is not handed out by the other', async () => {
  await using stack = new AsyncDisposableStack()
  const { one, other } = await twoHubs(stack)
  const giveUp = new AbortController()
  const asked = one.ask('a', verdict, giveUp.signal)
  const waiting = () => other.seen().find(({ node }) => node === 'a')?.waiting
  while (waiting() !== 1) await new Promise((resolve) => setTimeout(resolve, 20))
  giveUp.abort()
  await expect(asked).rejects.toMatchObject({ code: 'node_unavailable' })
  while (waiting() !== 0) await new Promise((resolve) => setTimeout(resolve, 20))
})

test('who reaches Redis cannot order a node about', async () => {
  await using stack = new AsyncDisposableStack()
  const { one, other } = await twoHubs(stack)
  const intruder = new Redis(redis.address)
  const body = JSON.stringify({
    from: 'intruder',
    atMs: Date.now(),
    news: { kind: 'order', node: 'a', verdict },
  })
  const listeners = await intruder.publish(channel, `${'0'.repeat(64)} ${body}`)
  intruder.disconnect()
  expect(listeners).toBe(2)
  // What is told after it arrives after it.
  await heard(other, one)
  expect((await one.orders('a', '', 0, never)).verdicts).toEqual([])
})

test('what was said once and kept cannot be said again later', async () => {
  await using stack = new AsyncDisposableStack()
  const { one, other, time } = await twoHubs(stack)
  const intruder = new Redis(redis.address)
  stack.defer(() => {
    intruder.disconnect()
  })
  const kept = new Promise<string>((resolve) => {
    intruder.on('message', (_channel, message) => {
      if (message.includes('"order"')) resolve(message)
    })
  })
  await intruder.subscribe(channel)
  const asked = other.ask('a', verdict)
  const message = await kept
  other.answer('a', answer)
  await asked
  await heard(other, one)

  time.ms += 120_000
  await intruder.unsubscribe(channel)
  await intruder.publish(channel, message)
  await heard(other, one)
  expect((await one.orders('a', '', 0, never)).verdicts).toEqual([])
})
