/** The durable half of the responder: ledger, gates, queue and runner, wired; what main.ts starts and HTTP calls. */
import { join } from 'node:path'
import type { Alert, Amendment } from '../contract/alert.ts'
import { cancelStep, expireApprovals, vote, type Ballot, type VoteResult } from './approvals.ts'
import { Carrier } from './carrier.ts'
import {
  extendContainment,
  requestUndo,
  undoDue,
  type Person,
  type UndoRequested,
} from './containments.ts'
import { defaultTimes, type CoreParts, type Times } from './core-parts.ts'
import { findDegraded } from './degraded.ts'
import { messageOf } from './errors.ts'
import { noEvidence } from './evidence/evidence.ts'
import { KillSwitch } from './kill-switch.ts'
import { endPending, takeAmendments } from './ledger/amend.ts'
import { openCheckpoints, writeCheckpoint, type Checkpoint } from './ledger/checkpoints.ts'
import { planStaleCases, takeAlerts, type IntakeBounds, type Taken } from './ledger/intake.ts'
import { prune } from './ledger/retention.ts'
import { findStep } from './ledger/steps.ts'
import { resetTrip, turnKillSwitch } from './ledger/switches.ts'
import { becomeOnly, leave } from './only-responder.ts'
import { thisOwner } from './owner.ts'
import { Pages } from './pages.ts'
import { Rounds } from './rounds.ts'
import { work } from './run.ts'
import type { RunParts } from './run-parts.ts'
import type { Step } from './step.ts'

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
  readonly #carrier: Carrier
  readonly #pages: Pages
  readonly #rounds: Rounds
  readonly #bounds: IntakeBounds
  #degraded: readonly string[] = []
  #unjudged: string | null = null
  #checkpoint: Checkpoint | undefined

  constructor(parts: CoreParts) {
    const { ledger, directory, onChange, log } = parts
    this.#parts = parts
    this.#times = { ...defaultTimes, ...parts.times }
    this.#killSwitch = new KillSwitch(ledger, join(directory, 'kill-switch'), (reason) => {
      onChange({ kind: 'kill_switch', reason })
    })
    this.#run = runPartsOf(parts, this.#killSwitch, this.#times.leaseMs)
    this.#bounds = {
      liveSteps: liveStepsAtMost,
      freeBytes: freeBytesAtLeast,
      directory: ledger.isShared ? null : directory,
    }
    this.#pages = new Pages(parts)
    this.#carrier = new Carrier({
      ledger,
      redis: parts.redis,
      work: async (stepId) => {
        await work(this.#run, stepId)
        return this.#settled(stepId)
      },
      onWake: () => this.#sweep(),
      log,
    })
    this.#rounds = new Rounds((message) => {
      this.#degraded = [`the ledger or the queue fails: ${message}`]
      log(message)
    })
  }

  async start(): Promise<void> {
    const { ledger, isRedisOurs, retention } = this.#parts
    const { sweepMs, watchMs, checkpointMs, pruneMs } = this.#times
    await becomeOnly(ledger, this.#run.owner)
    this.#checkpoint = await openCheckpoints(this.checkpointFile())
    await this.#killSwitch.start()
    await this.#carrier.start(isRedisOurs)
    await this.#sweep()
    await this.#carrier.rebuild()
    const rounds = this.#rounds
    rounds.every(sweepMs, () => this.#sweep())
    rounds.every(watchMs, () => this.#watch())
    rounds.every(checkpointMs, () => this.#writeCheckpoint())
    rounds.every(pruneMs, async () => {
      await prune(ledger, retention, () => rounds.isStopping())
      await this.#parts.prune?.()
    })
  }

  /** Resolves when all of them are durable, with the steps that they led to. Throws LedgerFull. */
  async takeAlerts(alerts: readonly Alert[]): Promise<Taken> {
    const { ledger, judge } = this.#parts
    const carried: Promise<void>[] = []
    const onSteps = (steps: readonly Step[]) => {
      carried.push(this.#carrySoon(steps))
    }
    const taken = await takeAlerts(ledger, judge, this.#bounds, alerts, onSteps)
    if (taken.unjudged.length > 0) this.#unjudged = taken.unjudged.at(-1) ?? null
    await Promise.all(carried)
    return taken
  }

  /** Resolves when they are durable, with the steps that the alerts lead to now that they are complete. */
  async takeAmendments(amendments: readonly Amendment[]): Promise<void> {
    const { ledger, judge } = this.#parts
    const { steps, unjudged } = await takeAmendments(ledger, judge, this.#bounds, amendments)
    this.#unjudged = unjudged.at(-1) ?? this.#unjudged
    await this.#carrier.carry(steps)
  }

  /** What fails here is in the ledger, and the sweep finds it. */
  async #carrySoon(steps: readonly Step[]): Promise<void> {
    try {
      await this.#carrier.carry(steps)
    } catch (error) {
      this.#parts.log(messageOf(error))
    }
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
    if (result.kind === 'requested') await this.#carrier.carry([result.step])
    return result
  }

  /** False: it is not live. `ttlMs` from now; null: until a person undoes it. */
  async extend(containmentId: string, ttlMs: number | null, person: Person): Promise<boolean> {
    const { ledger } = this.#parts
    const expiresMs = ttlMs === null ? null : ledger.clock.nowMs() + ttlMs
    const isLive = await extendContainment(ledger, containmentId, expiresMs, person)
    if (isLive) await this.#carrier.awaitEnd(containmentId)
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
  idle(): Promise<void> {
    return this.#carrier.idle()
  }

  /** By people or by time, not by a worker: what the case asks for now is still to be planned. */
  async #decided(stepId: string): Promise<void> {
    await planStaleCases(this.#parts.ledger, this.#parts.judge)
    await this.#settled(stepId)
  }

  /** What follows when a step has ended or is held. True: it has ended. */
  async #settled(stepId: string): Promise<boolean> {
    const { ledger, onChange } = this.#parts
    const step = await findStep(ledger, stepId)
    if (step === undefined) return true
    if (step.status === 'held') {
      this.#tellPages()
      await this.#carrier.awaitApproval(stepId)
      return false
    }
    if (step.status === 'ended') {
      onChange({ kind: 'step_ended', step })
      const { kind, terms, outcome } = step
      if (kind === 'act' && terms.undo !== null && outcome?.status.startsWith('done'))
        await this.#carrier.awaitEnd(stepId)
    }
    await this.#carrier.carryCase(step.caseId)
    return step.status === 'ended'
  }

  /** A receiver that is slow must not hold up the worker that asked. */
  #tellPages(): void {
    this.#pages.tell().catch((error: unknown) => {
      this.#parts.log(messageOf(error))
    })
  }

  async #sweep(): Promise<void> {
    const { ledger, judge } = this.#parts
    for (const { id } of await expireApprovals(ledger)) await this.#decided(id)
    await this.#carrier.carry(await undoDue(ledger))
    await endPending(ledger)
    await planStaleCases(ledger, judge)
    await this.#carrier.carryDue({ withinMs: 0 })
    this.#tellPages()
  }

  async #watch(): Promise<void> {
    await this.#carrier.watch()
    this.#degraded = [
      ...(this.#carrier.isRedisAway()
        ? ['Redis is away; steps are carried without the queue']
        : []),
      ...(await findDegraded(this.#parts.ledger, this.#killSwitch.reason())),
      ...(this.#unjudged === null ? [] : [`the policies failed on ${this.#unjudged}`]),
    ]
  }

  async #writeCheckpoint(): Promise<void> {
    const file = this.checkpointFile()
    this.#checkpoint = await writeCheckpoint(this.#parts.ledger, file, this.#checkpoint)
  }

  /** Steps that are under way finish, or are taken up again at the next start. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#rounds[Symbol.asyncDispose]()
    this.#killSwitch.stop()
    await this.#carrier[Symbol.asyncDispose]()
    await this.#pages[Symbol.asyncDispose]()
    await this.#writeCheckpoint()
    await leave(this.#parts.ledger)
  }
}

const runPartsOf = (parts: CoreParts, killSwitch: KillSwitch, leaseMs: number): RunParts => ({
  ledger: parts.ledger,
  owner: thisOwner(),
  leaseMs,
  judge: parts.judge,
  actions: new Map(parts.actions.map((action) => [action.name, action])),
  surroundings: {
    killSwitchFile: () => killSwitch.fileReason(),
    enabledActions: parts.enabledActions ?? null,
    protected: parts.protected,
    modeOf: parts.modeOf,
  },
  linkTo: parts.linkTo,
  kubernetes: parts.kubernetes,
  evidence: parts.evidence ?? (() => noEvidence),
  confirm: parts.confirm ?? (() => Promise.resolve()),
  notify: parts.notify,
  linkOf: parts.linkOf,
  killSignal: () => killSwitch.signal(),
  reach: parts.reach ?? (() => undefined),
})
