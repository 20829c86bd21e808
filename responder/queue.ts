/**
 * BullMQ as transport: a job's id is the step's id and its data is empty. Nothing here is believed: whether a step
 * runs is decided by a claim in the ledger, so a job that is lost, doubled or stalled costs time, never an effect.
 */
import { randomUUID } from 'node:crypto'
import { Queue, Worker } from 'bullmq'
import { Redis, type RedisOptions } from 'ioredis'
import { messageOf, RedisUnavailable } from './errors.ts'
import type { RedisAddress } from './redis.ts'
import { lanes, type Lane } from './step.ts'

/** Braces keep all keys of a queue on one node of a Redis Cluster. */
const prefix = '{riposte}'
const epochKey = `${prefix}:epoch`

/**
 * Steps a responder works on at a time, by lane: taken up by itself, and from the queue. Each has its own, so that what
 * comes in is not late because of what waits, and what waits is not starved by it. A strike is short.
 */
export const concurrency: Readonly<
  Record<Lane, { readonly here: number; readonly queue: number }>
> = {
  strike: { here: 50, queue: 50 },
  contain: { here: 10, queue: 10 },
  disrupt: { here: 2, queue: 3 },
  notify: { here: 10, queue: 10 },
}

export interface Due {
  readonly id: string
  readonly lane: Lane
  /** 0: now. */
  readonly delayMs: number
}

export interface QueueHandlers {
  /** Works on a step; resolves when there is nothing more to do for this job. True: the step has ended. */
  readonly work: (stepId: string) => Promise<boolean>
  /** A job is gone and its step is not: it may be ready again (an approval came meanwhile, or a retry is due). */
  readonly onLeft: (stepId: string) => Promise<void>
  /** A timer is over: something in the ledger is due. */
  readonly onWake: () => Promise<void>
  readonly onError: (message: string) => void
}

export class StepQueue implements AsyncDisposable {
  readonly #redis: Redis
  readonly #workerRedis: Redis
  readonly #handlers: QueueHandlers
  readonly #queues = new Map<Lane, Queue>()
  #timers: Queue | undefined
  #workers: readonly Worker[] = []

  constructor(address: RedisAddress, handlers: QueueHandlers) {
    // A producer fails at once when Redis is away: the step is in the ledger, and the sweep adds it later.
    this.#redis = connect(address, { enableOfflineQueue: false, maxRetriesPerRequest: 1 })
    this.#workerRedis = connect(address, { maxRetriesPerRequest: null })
    this.#handlers = handlers
  }

  /** Throws when Redis would throw jobs away. `isOurs`: nobody else uses it, so what an earlier run left is removed. */
  async start(isOurs: boolean): Promise<void> {
    await untilReady(this.#redis)
    await untilReady(this.#workerRedis)
    await refuseEviction(this.#redis)
    for (const lane of lanes) this.#queues.set(lane, this.#newQueue(lane))
    this.#timers = this.#newQueue('timers')
    if (isOurs)
      for (const queue of [...this.#queues.values(), this.#timers])
        await queue.obliterate({ force: true })
    const { work, onWake } = this.#handlers
    this.#workers = [
      ...lanes.map((lane) => this.#worker(lane, concurrency[lane].queue, work, this.#handlers)),
      this.#worker('timers', 1, onWake, this.#handlers),
    ]
  }

  #newQueue(name: string): Queue {
    const queue = new Queue(name, {
      connection: this.#redis,
      prefix,
      defaultJobOptions: { removeOnComplete: true, removeOnFail: true, attempts: 1 },
    })
    queue.on('error', () => undefined)
    return queue
  }

  #worker(
    name: string,
    atOnce: number,
    work: (id: string) => Promise<unknown>,
    { onLeft, onError }: QueueHandlers,
  ): Worker {
    const made = new Worker(name, async (job) => work(job.id ?? ''), {
      connection: this.#workerRedis,
      prefix,
      concurrency: atOnce,
      // Short, as a stall that was none is harmless: the claim in the ledger refuses the second worker.
      lockDuration: 5000,
      stalledInterval: 2000,
      maxStalledCount: 1_000_000,
    })
    const isLane = name !== 'timers'
    const left = (id: string | undefined) => {
      if (id !== undefined && isLane)
        onLeft(id).catch((error: unknown) => {
          onError(messageOf(error))
        })
    }
    made.on('completed', ({ id }, hasEnded) => {
      if (hasEnded !== true) left(id)
    })
    made.on('failed', (job, error) => {
      onError(`${name}: ${messageOf(error)}`)
      left(job?.id)
    })
    // Lost connections are reported once by whoever asks `isUp`.
    made.on('error', () => undefined)
    return made
  }

  /** A job that is there already is left as it is. Rejects when Redis is away: what was added is then unknown. */
  async add(steps: readonly Due[]): Promise<void> {
    if (!this.isUp()) throw new RedisUnavailable('Redis is away')
    for (const lane of lanes) {
      const jobs = steps
        .filter((step) => step.lane === lane)
        .map(({ id, delayMs }) => ({
          name: 'step',
          data: {},
          opts: { jobId: id, delay: Math.max(0, delayMs) },
        }))
      if (jobs.length > 0) await this.#queues.get(lane)?.addBulk(jobs)
    }
  }

  /** Only a wake-up: the sweep finds what is due without it, later. */
  async wakeIn(name: string, delayMs: number): Promise<void> {
    if (!this.isUp()) throw new RedisUnavailable('Redis is away')
    await this.#timers?.add('wake', {}, { jobId: `wake-${name}`, delay: Math.max(0, delayMs) })
  }

  isUp(): boolean {
    return this.#redis.status === 'ready'
  }

  /** True: Redis holds nothing of ours (new, flushed, or back from an older file), so the queue is to be rebuilt. */
  async isEmptied(runId: string | undefined): Promise<{ emptied: boolean; runId: string }> {
    const current = /^run_id:(\S+)/m.exec(await this.#redis.info('server'))?.[1] ?? ''
    const isNew = (await this.#redis.setnx(epochKey, randomUUID())) === 1
    return { emptied: isNew || current !== runId, runId: current }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#workers.map(async (worker) => worker.close(!this.isUp())))
    await Promise.all([...this.#queues.values()].map((queue) => queue.close()))
    await this.#timers?.close()
    this.#redis.disconnect()
    this.#workerRedis.disconnect()
  }
}

type Patience = Pick<RedisOptions, 'enableOfflineQueue' | 'maxRetriesPerRequest'>

export function connect(address: RedisAddress, options: Patience): Redis {
  const all = {
    ...options,
    retryStrategy: (tries: number) => Math.min(1000, 50 * tries),
  }
  const redis =
    'path' in address ? new Redis({ ...all, path: address.path }) : new Redis(address.url, all)
  redis.on('error', () => undefined)
  return redis
}

async function refuseEviction(redis: Redis): Promise<void> {
  const policy = /^maxmemory_policy:(\S+)/m.exec(await redis.info('memory'))?.[1]
  if (policy !== undefined && policy !== 'noeviction')
    throw new RedisUnavailable(
      `Redis evicts keys (maxmemory-policy ${policy}), which would drop steps: set it to noeviction`,
    )
}

const untilReady = (redis: Redis) =>
  redis.status === 'ready'
    ? Promise.resolve()
    : new Promise<void>((resolve) => {
        redis.once('ready', () => {
          resolve()
        })
      })
