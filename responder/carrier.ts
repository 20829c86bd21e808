/** Brings steps that are due to a worker: by the queue, straight from the ledger for strikes, and without Redis when it is away. */
import { messageOf } from './errors.ts'
import type { Ledger } from './ledger/open.ts'
import { dueSteps, timers } from './ledger/pending.ts'
import { findStep } from './ledger/steps.ts'
import { StepQueue, type Due } from './queue.ts'
import type { RedisAddress } from './redis.ts'
import type { Step } from './step.ts'

interface CarrierParts {
  readonly ledger: Ledger
  readonly redis: RedisAddress
  /** Works on a step, and on what follows from its end. */
  readonly work: (stepId: string) => Promise<void>
  /** Something in the ledger is due. */
  readonly onWake: () => Promise<void>
  readonly log: (message: string) => void
}

/** Beyond this many steps under way, strikes go by the queue as well. */
const atOnce = 50
/** Redis that is away for longer is done without. */
const patienceMs = 1000

export class Carrier implements AsyncDisposable {
  readonly #parts: CarrierParts
  readonly #queue: StepQueue
  readonly #underWay = new Map<string, Promise<void>>()
  #runId: string | undefined
  #awaySinceMs: number | null = null
  #isStopping = false

  constructor(parts: CarrierParts) {
    this.#parts = parts
    this.#queue = new StepQueue(parts.redis, {
      work: (stepId) => this.#work(stepId),
      onDone: (stepId) => this.#again(stepId),
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
    await this.carryDue({})
    await this.setTimers()
  }

  /** New steps, and what else is due in their cases. */
  async carry(steps: readonly Step[]): Promise<void> {
    for (const caseId of new Set(steps.map((step) => step.caseId))) await this.carryDue({ caseId })
    if (steps.some(({ after }) => after.length > 0)) await this.setTimers()
  }

  async carryDue(filter: Parameters<typeof dueSteps>[1]): Promise<void> {
    const due = await dueSteps(this.#parts.ledger, filter)
    const rest = due.filter((step) => !this.#strike(step))
    if (rest.length > 0) await this.#tell(() => this.#queue.add(rest))
  }

  /** Of one step, or of all. */
  async setTimers(stepId?: string): Promise<void> {
    for (const { name, delayMs } of await timers(this.#parts.ledger, stepId))
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

  /** A strike that is due is worked on at once, while there is room: it is in the ledger, and the sweep finds it again. */
  #strike({ id, lane, delayMs }: Due): boolean {
    if (lane !== 'strike' || delayMs > 0 || this.#underWay.size >= atOnce) return false
    this.#workAside(id)
    return true
  }

  async #workWithoutQueue(): Promise<void> {
    const limit = Math.max(0, atOnce - this.#underWay.size)
    const due = await dueSteps(this.#parts.ledger, { withinMs: 0, limit })
    for (const { id } of due.toSorted(byLane)) this.#workAside(id)
  }

  #workAside(id: string): void {
    this.#work(id)
      .then(() => this.#again(id))
      .catch((error: unknown) => {
        this.#parts.log(`step ${id}: ${messageOf(error)}`)
      })
  }

  #work(stepId: string): Promise<void> {
    const before = this.#underWay.get(stepId)
    if (before !== undefined) return before
    if (this.#isStopping) return Promise.resolve()
    const running = this.#parts.work(stepId).finally(() => this.#underWay.delete(stepId))
    this.#underWay.set(stepId, running)
    return running
  }

  /** A worker is done with it; if the step is ready again by now, it is carried again. */
  async #again(stepId: string): Promise<void> {
    if (this.#isStopping) return
    const step = await findStep(this.#parts.ledger, stepId)
    if (step?.status === 'ready') await this.carryDue({ caseId: step.caseId })
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
    await Promise.allSettled(this.#underWay.values())
    await this.#queue[Symbol.asyncDispose]()
  }
}

const order: Readonly<Record<Due['lane'], number>> = {
  strike: 0,
  contain: 1,
  notify: 2,
  disrupt: 3,
}
const byLane = (a: Due, b: Due) => order[a.lane] - order[b.lane]
