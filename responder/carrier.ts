/**
 * Brings steps that are due to a worker. What this process has room for it takes up itself, at once; the rest goes by
 * the queue, to whoever has room. Either way a claim in the ledger decides, so that both may have the same step.
 */
import { messageOf } from './errors.ts'
import type { Ledger } from './ledger/open.ts'
import {
  approvalTimers,
  containmentTimers,
  dueSteps,
  stepsDueIn,
  waitingTimers,
  type Timer,
} from './ledger/pending.ts'
import { findStep } from './ledger/steps.ts'
import { StepQueue, type Due } from './queue.ts'
import type { RedisAddress } from './redis.ts'
import { Room } from './room.ts'
import type { Step } from './step.ts'

interface CarrierParts {
  readonly ledger: Ledger
  readonly redis: RedisAddress
  /** Works on a step, and on what follows from its end. True: it has ended. */
  readonly work: (stepId: string) => Promise<boolean>
  /** Something in the ledger is due. */
  readonly onWake: () => Promise<void>
  readonly log: (message: string) => void
}

/** Steps under way without the queue, while Redis is away. */
const atOnce = 50
/** Redis that is away for longer is done without. */
const patienceMs = 1000

export class Carrier implements AsyncDisposable {
  readonly #parts: CarrierParts
  readonly #queue: StepQueue
  readonly #underWay = new Map<string, Promise<boolean>>()
  readonly #room: Room
  #runId: string | undefined
  #awaySinceMs: number | null = null
  #isStopping = false

  constructor(parts: CarrierParts) {
    this.#parts = parts
    this.#room = new Room((stepId) => this.#workAside(stepId))
    this.#queue = new StepQueue(parts.redis, {
      work: (stepId) => this.#work(stepId),
      onLeft: (stepId) => this.#again(stepId),
      onWake: parts.onWake,
      onError: parts.log,
    })
  }

  async start(isRedisOurs: boolean): Promise<void> {
    await this.#queue.start(isRedisOurs)
    this.#runId = (await this.#queue.isEmptied(undefined)).runId
  }

  isRedisAway(): boolean {
    return this.#awaySinceMs !== null
  }

  /** Rebuilds a queue that was emptied, and works without one that is away. */
  async watch(): Promise<void> {
    if (this.#queue.isUp()) {
      const { emptied, runId } = await this.#queue.isEmptied(this.#runId)
      this.#runId = runId
      this.#awaySinceMs = null
      if (emptied) await this.rebuild()
      return
    }
    this.#awaySinceMs ??= performance.now()
    if (performance.now() - this.#awaySinceMs > patienceMs) await this.#workWithoutQueue()
  }

  async rebuild(): Promise<void> {
    const { ledger } = this.#parts
    await this.carryDue({})
    for (const timers of [approvalTimers, containmentTimers, waitingTimers])
      await this.#wakeIn(await timers(ledger))
  }

  /** New steps. */
  async carry(steps: readonly Step[]): Promise<void> {
    const nowMs = this.#parts.ledger.clock.nowMs()
    const [free, bound] = [steps.filter(isFree), steps.filter((step) => !isFree(step))]
    await this.#bring(
      free
        .filter(({ status }) => status === 'ready')
        .map(({ id, lane, notBeforeMs }) => ({
          id,
          lane,
          delayMs: Math.max(0, notBeforeMs - nowMs),
        })),
    )
    // Whether those they wait for have ended already is the ledger's to say.
    for (const caseId of new Set(bound.map((step) => step.caseId))) await this.carryCase(caseId)
  }

  async carryDue(filter: Parameters<typeof dueSteps>[1]): Promise<void> {
    await this.#bring(await dueSteps(this.#parts.ledger, filter))
  }

  /** What is due of one case, and who waits there for how long. */
  async carryCase(caseId: string): Promise<void> {
    const { due, waiting } = await stepsDueIn(this.#parts.ledger, caseId)
    await this.#bring(due)
    await this.#wakeIn(waiting)
  }

  /** What is taken up here is in the ledger all the same, and the sweep of any responder finds it again. */
  async #bring(due: readonly Due[]): Promise<void> {
    const rest = due.filter(({ id, lane, delayMs }) => {
      if (delayMs > 0) return true
      return !this.#underWay.has(id) && !this.#room.offer(id, lane)
    })
    if (rest.length > 0) await this.#tell(() => this.#queue.add(rest))
  }

  /** When people no longer answer for this step. */
  async awaitApproval(stepId: string): Promise<void> {
    await this.#wakeIn(await approvalTimers(this.#parts.ledger, stepId))
  }

  /** When this containment ends. */
  async awaitEnd(containmentId: string): Promise<void> {
    await this.#wakeIn(await containmentTimers(this.#parts.ledger, containmentId))
  }

  async #wakeIn(timers: readonly Timer[]): Promise<void> {
    for (const { name, delayMs } of timers)
      if (!(await this.#tell(() => this.#queue.wakeIn(name, delayMs)))) return
  }

  /** Resolves when no step is ready, claimed or acting any more. */
  async idle(): Promise<void> {
    for (;;) {
      await Promise.all(this.#underWay.values())
      const due = await dueSteps(this.#parts.ledger, { withinMs: 1000, limit: 1 })
      if (due.length === 0 && this.#underWay.size === 0) return
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  }

  async #workWithoutQueue(): Promise<void> {
    const limit = Math.max(0, atOnce - this.#underWay.size)
    const due = await dueSteps(this.#parts.ledger, { withinMs: 0, limit })
    for (const { id } of due.toSorted(byLane)) void this.#workAside(id)
  }

  /** Never rejects. */
  async #workAside(id: string): Promise<void> {
    try {
      const hasEnded = await this.#work(id)
      if (!hasEnded) await this.#again(id)
    } catch (error) {
      this.#parts.log(`step ${id}: ${messageOf(error)}`)
    }
  }

  #work(stepId: string): Promise<boolean> {
    const before = this.#underWay.get(stepId)
    if (before !== undefined) return before
    if (this.#isStopping) return Promise.resolve(true)
    const running = this.#parts.work(stepId).finally(() => this.#underWay.delete(stepId))
    this.#underWay.set(stepId, running)
    return running
  }

  /** A worker is done with it; if the step is ready again by now, it is carried again. */
  async #again(stepId: string): Promise<void> {
    if (this.#isStopping) return
    const step = await findStep(this.#parts.ledger, stepId)
    if (step?.status === 'ready') await this.carryCase(step.caseId)
  }

  /** Redis may be away: the ledger knows, and the watch carries on. */
  async #tell(add: () => Promise<void>): Promise<boolean> {
    try {
      await add()
      return true
    } catch (error) {
      this.#parts.log(`queue: ${messageOf(error)}`)
      return false
    }
  }

  /** Steps that are under way finish, or are taken up again at the next start. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#isStopping = true
    this.#room.close()
    await Promise.allSettled(this.#underWay.values())
    await this.#queue[Symbol.asyncDispose]()
  }
}

const isFree = ({ after }: Step) => after.length === 0

const order: Readonly<Record<Due['lane'], number>> = {
  strike: 0,
  contain: 1,
  notify: 2,
  disrupt: 3,
}
const byLane = (a: Due, b: Due) => order[a.lane] - order[b.lane]
