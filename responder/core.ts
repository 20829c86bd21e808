/** The durable half of the responder: ledger, gates, queue and runner, wired; what main.ts starts and HTTP calls. */
import { dirname, join } from 'node:path'
import type { Alert } from '../contract/alert.ts'
import type { Action } from './actions/action.ts'
import { cancelStep, expireApprovals, vote, type Ballot, type VoteResult } from './approvals.ts'
import type { Judge } from './case.ts'
import {
  extendContainment,
  requestUndo,
  undoDue,
  type Person,
  type UndoRequested,
} from './containments.ts'
import { LedgerRefused, messageOf } from './errors.ts'
import type { Surroundings } from './ledger/facts.ts'
import { openCheckpoints, writeCheckpoint, type Checkpoint } from './ledger/checkpoints.ts'
import { planStaleCases, takeAlerts, type IntakeBounds, type Taken } from './ledger/intake.ts'
import { breakLeases } from './ledger/leases.ts'
import type { Ledger } from './ledger/open.ts'
import { countOverdue, countOverdueUndos, dueSteps, timers } from './ledger/pending.ts'
import { prune, type Retention } from './ledger/retention.ts'
import { findStep } from './ledger/steps.ts'
import {
  listTrips,
  readSetting,
  resetTrip,
  turnKillSwitch,
  writeSetting,
} from './ledger/switches.ts'
import { latestApproval } from './ledger/votes.ts'
import { KillSwitch } from './kill-switch.ts'
import { isDeadHere, thisOwner } from './owner.ts'
import { StepQueue, type Due } from './queue.ts'
import type { RedisAddress } from './redis.ts'
import { work } from './run.ts'
import type { RunParts } from './run-parts.ts'
import type { Approval } from './approvals.ts'
import type { Step } from './step.ts'

export interface CoreParts extends Pick<RunParts, 'linkTo' | 'notify' | 'linkOf'> {
  readonly ledger: Ledger
  readonly redis: RedisAddress
  /** This responder started that Redis itself: what is in it is left over from an earlier run. */
  readonly isRedisOurs: boolean
  /** For `kill-switch` and `audit.checkpoints`. */
  readonly directory: string
  readonly judge: Judge
  readonly actions: readonly Action[]
  readonly protected: Surroundings['protected']
  readonly modeOf: Surroundings['modeOf']
  /** After the change is durable: for notifiers, metrics and pages that wait. Must not throw. */
  readonly onChange: (change: Change) => void
  readonly retention: Retention
  readonly log: (message: string) => void
  /** Only for crash tests. */
  readonly reach?: RunParts['reach']
  readonly times?: Partial<Times>
}

export type Change =
  | { readonly kind: 'approval_asked'; readonly approval: Approval; readonly step: Step }
  | { readonly kind: 'step_ended'; readonly step: Step }
  | { readonly kind: 'kill_switch'; readonly reason: string | null }

export interface Times {
  /** A worker that says nothing for this long is taken for dead. */
  readonly leaseMs: number
  /** How often the ledger is looked through for what is due, whatever timers say. */
  readonly sweepMs: number
  /** How often Redis and progress are looked at (I9: a second). */
  readonly watchMs: number
  readonly checkpointMs: number
  /** How often what is over and old is looked for. */
  readonly pruneMs: number
}

const defaultTimes: Times = {
  leaseMs: 30_000,
  sweepMs: 5000,
  watchMs: 400,
  checkpointMs: 10_000,
  pruneMs: 60_000,
}

/** Due for longer than this without a worker is a queue that does not carry. */
const stuckMs = 5000
const undoGraceMs = 30_000
/** Beyond this many steps under way, strikes go by the queue as well. */
const strikesAtOnce = 50
const liveStepsAtMost = 50_000
const freeBytesAtLeast = 64 << 20

export async function startCore(parts: CoreParts): Promise<Core> {
  const core = new Core(parts)
  await core.start()
  return core
}

export class Core implements AsyncDisposable {
  readonly #parts: CoreParts
  readonly #times: Times
  readonly #run: RunParts
  readonly #killSwitch: KillSwitch
  readonly #queue: StepQueue
  readonly #bounds: IntakeBounds
  readonly #intervals: NodeJS.Timeout[] = []
  readonly #underWay = new Map<string, Promise<void>>()
  #runId: string | undefined
  #awaySinceMs: number | null = null
  #degraded: readonly string[] = []
  #unjudged: string | null = null
  #checkpoint: Checkpoint | undefined
  #isStopping = false

  constructor(parts: CoreParts) {
    const { ledger, directory, onChange } = parts
    this.#parts = parts
    this.#times = { ...defaultTimes, ...parts.times }
    this.#killSwitch = new KillSwitch(ledger, join(directory, 'kill-switch'), (reason) => {
      onChange({ kind: 'kill_switch', reason })
    })
    this.#run = {
      ledger,
      owner: thisOwner(),
      leaseMs: this.#times.leaseMs,
      judge: parts.judge,
      actions: new Map(parts.actions.map((action) => [action.name, action])),
      surroundings: {
        killSwitchFile: () => this.#killSwitch.fileReason(),
        protected: parts.protected,
        modeOf: parts.modeOf,
      },
      linkTo: parts.linkTo,
      notify: parts.notify,
      linkOf: parts.linkOf,
      killSignal: () => this.#killSwitch.signal(),
      reach: parts.reach ?? (() => undefined),
    }
    this.#bounds = {
      liveSteps: liveStepsAtMost,
      freeBytes: freeBytesAtLeast,
      directory: ledger.isShared ? null : dirname(join(directory, 'x')),
    }
    this.#queue = new StepQueue(parts.redis, {
      work: (stepId) => this.#work(stepId),
      onDone: (stepId) => this.#requeue(stepId),
      onWake: () => this.#sweep(),
      onError: parts.log,
    })
  }

  async start(): Promise<void> {
    const { ledger, isRedisOurs } = this.#parts
    if (!ledger.isShared) {
      await this.#takeLedger()
      await breakLeases(ledger, isDeadHere)
    }
    this.#checkpoint = await openCheckpoints(this.checkpointFile())
    await this.#killSwitch.start()
    await this.#queue.start(isRedisOurs)
    this.#runId = (await this.#queue.isEmptied(undefined)).runId
    await this.#sweep()
    await this.#rebuild()
    this.#every(this.#times.sweepMs, () => this.#sweep())
    this.#every(this.#times.watchMs, () => this.#watch())
    this.#every(this.#times.checkpointMs, () => this.#writeCheckpoint())
    this.#every(this.#times.pruneMs, () => this.#prune())
  }

  /** One responder a SQLite file: two would each break the other's leases. */
  async #takeLedger(): Promise<void> {
    const { ledger } = this.#parts
    await ledger.write(async (writing) => {
      const holder = await readSetting(writing, 'responder')
      if (holder !== undefined && !isDeadHere(holder) && holder !== this.#run.owner)
        throw new LedgerRefused(
          `another responder (pid ${holder.split(' ')[2]}) has this ledger open; use another --data, or PostgreSQL`,
        )
      await writeSetting(writing, 'responder', this.#run.owner)
    })
  }

  /** Resolves when all of them are durable, with the steps that they led to. Throws LedgerFull. */
  async takeAlerts(alerts: readonly Alert[]): Promise<Taken> {
    const { ledger, judge } = this.#parts
    const taken = await takeAlerts(ledger, judge, this.#bounds, alerts)
    if (taken.unjudged.length > 0) this.#unjudged = taken.unjudged.at(-1) ?? null
    await this.#enqueue(taken.steps)
    return taken
  }

  async vote(ballot: Ballot): Promise<VoteResult> {
    const result = await vote(this.#parts.ledger, ballot)
    if (result.approval !== null && (result.kind === 'approved' || result.kind === 'denied'))
      await this.#decided(result.approval.stepId)
    return result
  }

  /** False: its effect has begun, or it has ended. */
  async cancel(stepId: string, person: Person): Promise<boolean> {
    const step = await cancelStep(this.#parts.ledger, stepId, person)
    if (step !== undefined) await this.#decided(stepId)
    return step !== undefined
  }

  async undo(containmentId: string, person: Person): Promise<UndoRequested> {
    const result = await requestUndo(this.#parts.ledger, containmentId, person)
    if (result.kind === 'requested') await this.#enqueue([result.step])
    return result
  }

  /** False: it is not live. `ttlMs` from now; null: until a person undoes it. */
  async extend(containmentId: string, ttlMs: number | null, person: Person): Promise<boolean> {
    const { ledger } = this.#parts
    const expiresMs = ttlMs === null ? null : ledger.clock.nowMs() + ttlMs
    const isLive = await extendContainment(ledger, containmentId, expiresMs, person)
    if (isLive) await this.#setTimers(containmentId)
    return isLive
  }

  /** The file, if there is one, is not taken away: who put it there takes it. */
  async turnKillSwitch(isOn: boolean, person: Person): Promise<void> {
    await turnKillSwitch(this.#parts.ledger, isOn, person)
    await this.#killSwitch.look()
  }

  killSwitch(): string | null {
    return this.#killSwitch.reason()
  }

  resetTrip(policy: string, person: Person): Promise<boolean> {
    return resetTrip(this.#parts.ledger, policy, person)
  }

  /** One sentence for each thing that is not as it should be, at most `watchMs` old; empty is healthy. */
  degraded(): readonly string[] {
    return this.#degraded
  }

  checkpointFile(): string {
    return join(this.#parts.directory, 'audit.checkpoints')
  }

  /** Resolves when no step is ready, claimed or acting any more; for tests and for `riposte replay`. */
  async idle(): Promise<void> {
    for (;;) {
      await Promise.all(this.#underWay.values())
      const due = await dueSteps(this.#parts.ledger, { withinMs: 1000, limit: 1 })
      if (due.length === 0 && this.#underWay.size === 0) return
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  }

  #work(stepId: string): Promise<void> {
    const before = this.#underWay.get(stepId)
    if (before !== undefined) return before
    if (this.#isStopping) return Promise.resolve()
    const running = work(this.#run, stepId)
      .then(() => this.#settled(stepId))
      .finally(() => this.#underWay.delete(stepId))
    this.#underWay.set(stepId, running)
    return running
  }

  /** By people or by time, not by a worker: what the case asks for now is still to be planned. */
  async #decided(stepId: string): Promise<void> {
    await planStaleCases(this.#parts.ledger, this.#parts.judge)
    await this.#settled(stepId)
  }

  /** What follows when a step has ended or is held. */
  async #settled(stepId: string): Promise<void> {
    const { ledger, onChange } = this.#parts
    const step = await findStep(ledger, stepId)
    if (step === undefined) return
    if (step.status === 'held') {
      const approval = await latestApproval(ledger, stepId)
      if (approval?.status === 'pending') onChange({ kind: 'approval_asked', approval, step })
      await this.#setTimers(stepId)
      return
    }
    if (step.status === 'ended') {
      onChange({ kind: 'step_ended', step })
      if (
        step.kind === 'act' &&
        step.terms.undo !== null &&
        step.outcome?.status.startsWith('done')
      )
        await this.#setTimers(stepId)
    }
    await this.#enqueueDue({ caseId: step.caseId })
  }

  /** The job is gone from Redis; if the step is ready again by now, it gets a new one. */
  async #requeue(stepId: string): Promise<void> {
    const step = await findStep(this.#parts.ledger, stepId)
    if (step?.status === 'ready') await this.#enqueueDue({ caseId: step.caseId })
  }

  async #enqueue(steps: readonly Step[]): Promise<void> {
    for (const caseId of new Set(steps.map((step) => step.caseId)))
      await this.#enqueueDue({ caseId })
    if (steps.some(({ after }) => after.length > 0)) await this.#setTimers()
  }

  async #enqueueDue(filter: Parameters<typeof dueSteps>[1]): Promise<void> {
    const due = await dueSteps(this.#parts.ledger, filter)
    const rest = due.filter((step) => !this.#strike(step))
    if (rest.length > 0) await this.#carry(() => this.#queue.add(rest))
  }

  /** A strike that is due is worked on at once, while there is room: it is in the ledger, and the sweep finds it again. */
  #strike({ id, lane, delayMs }: Due): boolean {
    if (lane !== 'strike' || delayMs > 0 || this.#underWay.size >= strikesAtOnce) return false
    this.#workAside(id)
    return true
  }

  #workAside(id: string): void {
    this.#work(id)
      .then(() => this.#requeue(id))
      .catch((error: unknown) => {
        this.#parts.log(`step ${id}: ${messageOf(error)}`)
      })
  }

  async #setTimers(stepId?: string): Promise<void> {
    for (const { name, delayMs } of await timers(this.#parts.ledger, stepId))
      if (!(await this.#carry(() => this.#queue.wakeIn(name, delayMs)))) return
  }

  /** Redis may be away: the ledger knows, and the watch carries on. */
  async #carry(add: () => Promise<void>): Promise<boolean> {
    try {
      await add()
      return true
    } catch (error) {
      this.#parts.log(`queue: ${messageOf(error)}`)
      return false
    }
  }

  async #rebuild(): Promise<void> {
    await this.#enqueueDue({})
    await this.#setTimers()
  }

  async #sweep(): Promise<void> {
    const { ledger, judge } = this.#parts
    for (const { id } of await expireApprovals(ledger)) await this.#decided(id)
    await this.#enqueue(await undoDue(ledger))
    await planStaleCases(ledger, judge)
    await this.#enqueueDue({ withinMs: 0 })
  }

  /** Rebuilds a queue that was emptied, works without one that is away, and finds one that does not carry. */
  async #watch(): Promise<void> {
    const { ledger } = this.#parts
    if (this.#queue.isUp()) {
      const { emptied, runId } = await this.#queue.isEmptied(this.#runId)
      this.#runId = runId
      this.#awaySinceMs = null
      if (emptied) await this.#rebuild()
    } else {
      this.#awaySinceMs ??= performance.now()
      if (performance.now() - this.#awaySinceMs > 1000) await this.#workWithoutQueue()
    }
    this.#degraded = await this.#findDegraded(ledger)
  }

  async #workWithoutQueue(): Promise<void> {
    const room = 50 - this.#underWay.size
    const due = await dueSteps(this.#parts.ledger, { withinMs: 0, limit: Math.max(0, room) })
    for (const { id } of due.toSorted(byLane)) this.#workAside(id)
  }

  async #findDegraded(ledger: Ledger): Promise<readonly string[]> {
    const overdue = await countOverdue(ledger, stuckMs)
    const undos = await countOverdueUndos(ledger, undoGraceMs)
    const trips = await listTrips(ledger)
    const killSwitch = this.#killSwitch.reason()
    return [
      ...(this.#awaySinceMs === null ? [] : ['Redis is away; steps are carried without the queue']),
      ...(overdue === 0 ? [] : [`${overdue} steps wait without progress`]),
      ...(undos === 0 ? [] : [`${undos} containments could not be undone in time`]),
      ...(killSwitch === null ? [] : [`the kill switch is on: ${killSwitch}`]),
      ...trips.map(({ policy, reason }) => `policy ${policy} is in audit until reset: ${reason}`),
      ...(this.#unjudged === null ? [] : [`the policies failed on ${this.#unjudged}`]),
    ]
  }

  #prune(): Promise<void> {
    const { ledger, retention } = this.#parts
    return prune(ledger, retention, () => this.#isStopping)
  }

  async #writeCheckpoint(): Promise<void> {
    const file = this.checkpointFile()
    this.#checkpoint = await writeCheckpoint(this.#parts.ledger, file, this.#checkpoint)
  }

  /** One at a time; a failure is said once and shows as degraded until it works again. */
  #every(ms: number, task: () => Promise<void>): void {
    let isRunning = false
    const tick = async () => {
      if (isRunning || this.#isStopping) return
      isRunning = true
      try {
        await task()
      } catch (error) {
        this.#degraded = [`the ledger or the queue fails: ${messageOf(error)}`]
        this.#parts.log(messageOf(error))
      } finally {
        isRunning = false
      }
    }
    this.#intervals.push(setInterval(() => void tick(), ms))
  }

  /** Steps that are under way finish, or are taken up again at the next start. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#isStopping = true
    for (const interval of this.#intervals) clearInterval(interval)
    this.#killSwitch.stop()
    await Promise.allSettled(this.#underWay.values())
    await this.#queue[Symbol.asyncDispose]()
    await this.#writeCheckpoint()
    await this.#parts.ledger.rows.deleteFrom('settings').where('name', '=', 'responder').execute()
  }
}

const order: Readonly<Record<Due['lane'], number>> = {
  strike: 0,
  contain: 1,
  notify: 2,
  disrupt: 3,
}
const byLane = (a: Due, b: Due) => order[a.lane] - order[b.lane]
