/** One step, from claim to outcome: gates → plan → gates → intent → act → verify → outcome. */
import type { Alert } from '../contract/alert.ts'
import type { Action, Call, Effect, NodeLink, Notify, Planned } from './actions/action.ts'
import { askPeople } from './approvals.ts'
import { ActionExpired, ActionRefused, TargetGone } from './actions/errors.ts'
import { DeadlinePassed, kindOf, messageOf, WorldError } from './errors.ts'
import { isTripping } from './gates/breaker.ts'
import type { Situation } from './gates/gate.ts'
import { askAll, askBeforePlan, type Asked } from './gates/index.ts'
import { acts } from './gates/mode.ts'
import { keepLease, type KeptLease } from './keep-lease.ts'
import { findAlert } from './ledger/alerts.ts'
import { canonical } from './ledger/canonical.ts'
import { findContainment } from './ledger/effects.ts'
import { endLeased } from './ledger/endings.ts'
import { situationOf, type Surroundings } from './ledger/facts.ts'
import { claim, LeaseLost, lockOf, takeLock, update, type Claimed } from './ledger/leases.ts'
import type { Ledger, Writing } from './ledger/open.ts'
import { trip } from './ledger/switches.ts'
import type { Outcome } from './outcome.ts'
import type { Step } from './step.ts'

/** Where a test may end the process, to show what a crash there leaves. */
export const points = ['claimed', 'planned', 'intent', 'acted', 'ended'] as const
export type Point = (typeof points)[number]

/** What an order to a node is made from: its id is the step's, so that the node knows a repeat. */
export interface Order {
  readonly step: Step
  readonly alert: Alert
  /** Time until the step's deadline; ledger time means nothing to a node. */
  readonly leftMs: number
  readonly signal: AbortSignal
}

export interface RunParts {
  readonly ledger: Ledger
  /** Names this process among all that share the ledger. */
  readonly owner: string
  readonly leaseMs: number
  readonly actions: ReadonlyMap<string, Action>
  readonly surroundings: Surroundings
  readonly linkTo: (order: Order) => NodeLink
  readonly notify: Notify
  /** Where people look at a case. */
  readonly linkOf: (caseId: string) => string | null
  /** Looks at the kill switch; aborted when it is on, or turned on later. Stops what is above notify. */
  readonly killSignal: () => Promise<AbortSignal>
  readonly reach: (point: Point, step: Step) => void
}

/** Resolves when nothing is left to do now: the step ended, is held, will be tried again, or is another's. */
export async function work(parts: RunParts, stepId: string): Promise<void> {
  const { ledger, owner, leaseMs } = parts
  const claimed = await claim(ledger, stepId, owner, leaseMs)
  if (claimed === undefined) return
  const kept = keepLease(ledger, claimed.lease, leaseMs)
  try {
    parts.reach('claimed', claimed.step)
    await workOn(parts, claimed, kept)
  } catch (error) {
    if (!(error instanceof LeaseLost)) throw error
  } finally {
    kept.stop()
  }
}

interface Attempt {
  readonly parts: RunParts
  readonly claimed: Claimed
  readonly kept: KeptLease
  readonly action: Action
  readonly call: Call<Effect>
  /** What undo takes back; null for acts. */
  readonly undone: Effect | null
}

async function workOn(parts: RunParts, claimed: Claimed, kept: KeptLease): Promise<void> {
  const { step } = claimed
  const { ledger } = parts
  const end = (outcome: Outcome) =>
    ledger.write((writing) => endLeased(writing, claimed.lease, step, outcome))
  const action = parts.actions.get(step.action)
  if (action === undefined)
    return end(failed('unknown_action', `there is no action ${step.action}`))
  if (ledger.clock.nowMs() >= step.deadlineAtMs) return end(expired(step))
  let hasBegun = claimed.hasBegun
  try {
    const attempt = await prepare(parts, claimed, kept, action)
    if (!(await passesBeforePlan(attempt))) return
    const planned = await planOf(attempt)
    parts.reach('planned', step)
    if (hasBegun && planned?.kind === 'already_done')
      return await finish(attempt, doneBefore(step, planned))
    const effect = await decide(attempt, planned)
    if (effect === null) return
    hasBegun = true
    parts.reach('intent', step)
    await finish(attempt, await perform(attempt, effect))
  } catch (error) {
    if (error instanceof LeaseLost) throw error
    await failOrRetry(parts, claimed, error, hasBegun)
  }
}

async function prepare(
  parts: RunParts,
  claimed: Claimed,
  kept: KeptLease,
  action: Action,
): Promise<Attempt> {
  const { step } = claimed
  const { ledger } = parts
  const leftMs = step.deadlineAtMs - ledger.clock.nowMs()
  const isStoppable =
    step.risk !== 'observe' &&
    step.risk !== 'notify' &&
    !(step.kind === 'undo' && step.requestedBy !== null)
  const signal = AbortSignal.any([
    AbortSignal.timeout(Math.max(1, Math.min(step.terms.timeoutMs, leftMs))),
    kept.signal,
    ...(isStoppable ? [await parts.killSignal()] : []),
  ])
  const alert = await findAlert(ledger, step.alertId)
  const contained = step.undoes === null ? undefined : await findContainment(ledger, step.undoes)
  return {
    parts,
    claimed,
    kept,
    action,
    call: {
      stepId: step.id,
      alert,
      caseId: step.caseId,
      target: step.target,
      parameters: step.parameters,
      node: parts.linkTo({ step, alert, leftMs, signal }),
      link: parts.linkOf(step.caseId),
      signal,
      notify: parts.notify,
    },
    undone: step.kind === 'undo' ? (contained?.effect ?? {}) : null,
  }
}

/** Nobody is asked for a plan of what may not happen anyway. */
async function passesBeforePlan(attempt: Attempt): Promise<boolean> {
  const { parts, claimed } = attempt
  const { rows, clock } = parts.ledger
  const moment = { rows, nowMs: clock.nowMs() }
  const situation = await situationOf(moment, claimed.step, null, parts.surroundings)
  const asked = askBeforePlan(situation)
  if (asked.stopped === null) return true
  return parts.ledger.write((writing) => settle(writing, attempt, situation, asked))
}

/** What there is to do. A step that had begun asks on although its target is gone: the node knows whether it was us. */
async function planOf({ action, call, claimed, undone }: Attempt): Promise<Planned | null> {
  if (undone !== null) return null
  try {
    return await abortable(action.plan(call), call.signal)
  } catch (error) {
    const { plan } = claimed.step
    if (!(error instanceof TargetGone) || !claimed.hasBegun || plan === null) throw error
    return { kind: 'change', detail: plan.detail, effect: plan.effect }
  }
}

/**
 * All gates, and what they decide, in one transaction: the effect to bring about, its intent durable; or null when
 * the step ended, is held, or waits.
 */
async function decide(attempt: Attempt, planned: Planned | null): Promise<Effect | null> {
  const { parts, claimed, undone } = attempt
  const { step, lease } = claimed
  return parts.ledger.write(async (writing) => {
    const found = await situationOf(writing, step, planned, parts.surroundings)
    // What it takes from the budgets was taken when it began.
    const situation = claimed.hasBegun
      ? { ...found, lastActedMs: null, counts: [], acts: 0, failures: 0 }
      : found
    if (situation.nowMs >= step.deadlineAtMs) throw new DeadlinePassed(expired(step).detail)
    const asked = askAll(situation)
    if (!(await settle(writing, attempt, situation, asked))) return null
    const effect = undone ?? (planned?.kind === 'change' ? planned.effect : {})
    const detail = planned?.detail ?? `undo ${step.action} of ${step.target.name}`
    const { nowMs } = writing
    if (!acts(situation)) {
      await update(writing, lease, { acted_ms: nowMs, mode: 'audit' })
      const outcome = {
        status: 'would',
        code: 'audit',
        detail,
        effect,
        gates: asked.reports,
      } as const
      await endLeased(writing, lease, { ...step, mode: 'audit' }, outcome)
      return null
    }
    if (await hasTargetChanged(writing, step, attempt)) {
      await update(writing, lease, { status: 'ready', owner: null, not_before_ms: nowMs })
      return null
    }
    await takeLock(writing, step, parts.leaseMs)
    await update(writing, lease, {
      status: 'acting',
      acted_ms: step.actedMs ?? nowMs,
      plan: canonical({ detail, effect }),
      plan_hash: situation.planHash,
    })
    await writing.audit({
      kind: 'intent',
      subject: step.id,
      body: {
        detail,
        effect,
        planHash: situation.planHash,
        approval: situation.approval?.id ?? null,
        generation: lease.generation,
        isRepeated: claimed.hasBegun,
      },
    })
    return effect
  })
}

/** Whether all gates let it pass; if not, the step has ended, is held, or waits. */
async function settle(
  writing: Writing,
  { claimed }: Attempt,
  situation: Situation,
  { stopped }: Asked,
): Promise<boolean> {
  if (stopped === null) return true
  const { step, lease } = claimed
  const reason = stopped.reason ?? stopped.gate
  if (stopped.answer === 'wait') {
    const set = { status: 'ready', owner: null, not_before_ms: writing.nowMs + pauseMs } as const
    await update(writing, lease, set)
  } else if (stopped.answer === 'hold' && situation.planHash !== null) {
    await update(writing, lease, { status: 'held', owner: null, plan_hash: situation.planHash })
    await askPeople(writing, step, situation.planned?.detail ?? reason, situation.planHash)
  } else {
    if (isTripping(stopped.gate) && acts(situation)) await trip(writing, step.policy, reason)
    const begun = claimed.hasBegun ? '; an attempt had begun, its effect is not known' : ''
    const outcome =
      stopped.gate === 'target'
        ? ({ status: 'ignored', code: 'already_done', detail: reason } as const)
        : ({ status: 'suppressed', code: stopped.gate, detail: reason + begun } as const)
    await endLeased(writing, lease, step, outcome)
  }
  return false
}

/** How soon a step asks again whether the lock, or the kill switch, lets it pass. */
const pauseMs = 250

/** Precondition: no other step ended on the target since this one was claimed and planned. */
async function hasTargetChanged({ rows }: Writing, step: Step, { kept }: Attempt) {
  if (lockOf(step) === null) return false
  const other = await rows
    .selectFrom('steps')
    .select('id')
    .where('target_uid', '=', step.target.uid)
    .where('id', '<>', step.id)
    .where('ended_ms', '>=', kept.claimedMs)
    .where('outcome_status', 'in', ['done', 'done_unverified', 'failed', 'conflict'])
    .where('risk', 'not in', ['observe', 'notify'])
    .executeTakeFirst()
  return other !== undefined
}

async function perform(attempt: Attempt, effect: Effect): Promise<Outcome> {
  const { action, call, kept, claimed, parts } = attempt
  const { step } = claimed
  // Between the intent and here the process may have stood still: another may have the step by now.
  if (!kept.isFresh()) throw new LeaseLost(claimed.lease)
  call.signal.throwIfAborted()
  if (step.kind === 'undo') {
    if (action.undo === undefined) return failed('no_undo', `${action.name} cannot be undone`)
    const { detail, effect: left } = await abortable(action.undo(call, effect), call.signal)
    parts.reach('acted', step)
    return { status: 'done', code: 'undone', detail, effect: left }
  }
  const done = await runOnce(attempt, effect)
  parts.reach('acted', step)
  if ('status' in done) return done
  if (action.verify === undefined) return { status: 'done', code: 'done', ...done }
  return (await isSeen(attempt, done.effect))
    ? { status: 'done', code: 'verified', ...done }
    : { status: 'done_unverified', code: 'unverified', ...done }
}

async function runOnce({ action, call, claimed }: Attempt, effect: Effect) {
  try {
    return await abortable(action.run(call, effect), call.signal)
  } catch (error) {
    if (!(error instanceof TargetGone) || !claimed.hasBegun) throw error
    const detail = `${error.message}; an attempt had begun before it, and may have done it`
    return { status: 'done_unverified', code: 'target_gone', detail, effect } as const
  }
}

/** Not seen within the time of the step is not seen. */
async function isSeen({ action, call }: Attempt, effect: Effect): Promise<boolean> {
  try {
    return await abortable(action.verify?.(call, effect) ?? true, call.signal)
  } catch {
    return false
  }
}

async function finish({ parts, claimed, action }: Attempt, outcome: Outcome): Promise<void> {
  const isUndoable = action.undo !== undefined && claimed.step.kind === 'act'
  await parts.ledger.write((writing) =>
    endLeased(writing, claimed.lease, claimed.step, outcome, { isUndoable }),
  )
  parts.reach('ended', claimed.step)
}

const doneBefore = (step: Step, planned: Planned): Outcome => ({
  status: 'done',
  code: 'found_done',
  detail: planned.detail,
  effect: step.plan?.effect ?? {},
})

async function failOrRetry(
  parts: RunParts,
  { step, lease }: Claimed,
  error: unknown,
  hasBegun: boolean,
): Promise<void> {
  const { ledger } = parts
  await ledger.write(async (writing) => {
    const { code, retryable } = kindOf(error)
    const message = messageOf(error)
    const attempt = step.attempt + 1
    const notBeforeMs = writing.nowMs + Math.min(60_000, 200 * 2 ** step.attempt)
    if (retryable && attempt < step.terms.attempts && notBeforeMs < step.deadlineAtMs) {
      await update(writing, lease, {
        status: 'ready',
        owner: null,
        attempt,
        not_before_ms: notBeforeMs,
      })
      const body = { attempt, code, message, notBeforeMs }
      await writing.audit({ kind: 'attempt_failed', subject: step.id, body })
      return
    }
    await endLeased(writing, lease, step, ending(step, error, hasBegun))
  })
}

function ending(step: Step, error: unknown, hasBegun: boolean): Outcome {
  const detail = messageOf(error)
  const begun = hasBegun ? '; whether it took effect is not known' : ''
  if (error instanceof TargetGone) return { status: 'ignored', code: error.code, detail }
  // The node and the API refuse an undo when somebody changed the object since.
  if (error instanceof ActionRefused && step.kind === 'undo')
    return { status: 'conflict', code: error.code, detail }
  if (error instanceof KillSwitchOn)
    return { status: 'suppressed', code: 'kill_switch', detail: detail + begun }
  if ((error instanceof DeadlinePassed || error instanceof ActionExpired) && !hasBegun)
    return expired(step)
  return failed(kindOf(error).code, detail + begun)
}

/** Why an act that is under way is aborted when the switch is turned on. */
export class KillSwitchOn extends WorldError {
  constructor(reason: string) {
    super('kill_switch', `the kill switch is on: ${reason}`, false)
  }
}

const failed = (code: string, detail: string): Outcome => ({ status: 'failed', code, detail })

const expired = (step: Step) =>
  ({
    status: 'expired',
    code: 'deadline',
    detail: `it did not begin within ${step.terms.deadlineMs / 1000} s`,
  }) as const

/** Rejects with the signal's reason even when the action does not listen to it. */
async function abortable<Result>(
  promise: Promise<Result> | Result,
  signal: AbortSignal,
): Promise<Result> {
  signal.throwIfAborted()
  const aborted = Promise.withResolvers<never>()
  const abort = () => {
    aborted.reject(signal.reason)
  }
  signal.addEventListener('abort', abort, { once: true })
  try {
    return await Promise.race([promise, aborted.promise])
  } finally {
    signal.removeEventListener('abort', abort)
  }
}
