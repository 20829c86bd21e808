import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, test } from '@jest/globals'
import { Redis } from 'ioredis'
import { alertOf, draft } from '../e2e/drafts.ts'
import { eventually, startEstate, type Estate } from '../e2e/estate.ts'
import { StepQueue } from './queue.ts'
import { startRedis } from './redis.ts'
import type { StepDraft } from './step.ts'

const estates: Estate[] = []
afterEach(async () => {
  for (const estate of estates.splice(0)) await estate[Symbol.asyncDispose]()
})
const estateOf = async (changes: Partial<StepDraft>) => {
  const estate = await startEstate({ plan: (alert, found) => [draft(alert, found, changes)] })
  estates.push(estate)
  return estate
}
const idle = () => Promise.resolve()
const slow = { action: 'slow', risk: 'contain', lane: 'contain' } as const
const many = (count: number) => Array.from({ length: count }, (_, index) => alertOf(3000 + index))
const countOf = (estate: Estate, effect: string) =>
  estate.world.effects().filter((name) => name === effect).length

test('I2 FLUSHALL loses no step and doubles none: the queue is rebuilt from the ledger', async () => {
  const estate = await estateOf(slow)
  await estate.core.takeAlerts(many(40))
  await eventually(() => countOf(estate, 'begin') === 20)
  const redis = new Redis(estate.redis.address)
  await redis.flushall()
  redis.disconnect()
  estate.world.release()
  await eventually(() => countOf(estate, 'slow') === 40)
  await estate.core.idle()
  expect(countOf(estate, 'begin')).toBe(40)
}, 30_000)

test('I2 kill -9 of Redis loses no step and doubles none', async () => {
  const estate = await estateOf(slow)
  await estate.core.takeAlerts(many(40))
  await eventually(() => countOf(estate, 'begin') === 20)
  const before = estate.redis.pid()
  process.kill(before ?? 0, 'SIGKILL')
  estate.world.release()
  await estate.core.takeAlerts([alertOf(9)])
  await eventually(() => countOf(estate, 'slow') === 41)
  await eventually(() => estate.redis.pid() !== undefined && estate.redis.pid() !== before)
  expect(estate.redis.restarts()).toBe(1)
  await estate.core.takeAlerts([alertOf(10)])
  await eventually(() => countOf(estate, 'slow') === 42)
  expect(countOf(estate, 'begin')).toBe(42)
}, 30_000)

test('I9 while Redis is away steps are carried without it, and health says so', async () => {
  const estate = await estateOf({})
  await estate.redis[Symbol.asyncDispose]()
  await eventually(() => estate.core.degraded().some((text) => text.startsWith('Redis is away')))
  await estate.core.takeAlerts([alertOf(7)])
  await eventually(() => countOf(estate, 'stop') === 1)
  expect(countOf(estate, 'stop')).toBe(1)
}, 30_000)

test('nothing slow stands before a strike', async () => {
  const estate = await startEstate({
    plan: (alert, found) => [draft(alert, found, alert.process?.pid === 1 ? {} : { ...slow })],
  })
  estates.push(estate)
  await estate.core.takeAlerts(many(60))
  await eventually(() => countOf(estate, 'begin') === 20)
  await estate.core.takeAlerts([alertOf(1)])
  await eventually(() => countOf(estate, 'stop') === 1)
  expect(countOf(estate, 'slow')).toBe(0)
  estate.world.release()
}, 30_000)

test('steps that wait for others are timed by themselves, however many wait already', async () => {
  const names: string[] = []
  // oxlint-disable-next-line typescript/unbound-method -- it is called on the queue, and put back
  const original = StepQueue.prototype.wakeIn
  StepQueue.prototype.wakeIn = function noted(this: StepQueue, name, delayMs) {
    names.push(name)
    return Reflect.apply(original, this, [name, delayMs])
  }
  try {
    const estate = await startEstate({
      plan: (alert, found) => {
        const first = draft(alert, found, slow)
        return [first, draft(alert, found, { rung: 'next', after: [first.id], afterMs: 60_000 })]
      },
    })
    estates.push(estate)
    for (const alert of many(10)) await estate.core.takeAlerts([alert])
    await eventually(() => names.length === 10)
    estate.world.release()
    await estate.core.idle()
    expect(new Set(names).size).toBe(10)
    expect(names).toHaveLength(10)
  } finally {
    StepQueue.prototype.wakeIn = original
  }
}, 30_000)

test('a Redis that would throw steps away is refused', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'riposte-queue-'))
  await using own = await startRedis(directory)
  const redis = new Redis(own.address)
  await redis.config('SET', 'maxmemory-policy', 'allkeys-lru')
  redis.disconnect()
  const handlers = {
    work: () => Promise.resolve(true),
    onLeft: idle,
    onWake: idle,
    onError: () => undefined,
  }
  await using queue = new StepQueue(own.address, handlers)
  await expect(queue.start(true)).rejects.toThrow(/maxmemory-policy allkeys-lru.*noeviction/)
  rmSync(directory, { recursive: true, force: true })
})
