/** One step, from claim to outcome: gates → plan → gates → intent → act → verify → outcome. */
import { abortable } from './abortable.ts'
import type { Action, Effect, Planned } from './actions/action.ts'
import { TargetGone } from './actions/errors.ts'
import { askPeople } from './approvals.ts'
import { DeadlinePassed } from './errors.ts'
import { isTripping } from './gates/breaker.ts'
import type { Situation } from './gates/gate.ts'
import { askAll, askBeforePlan, type Asked } from './gates/index.ts'
import { acts } from './gates/mode.ts'
import { keepLease, type KeptLease } from './keep-lease.ts'
import { findAlert } from './ledger/alerts.ts'
import { canonical } from './ledger/canonical.ts'
import { findContainment } from './ledger/effects.ts'
import { briefSituationOf, situationOf } from './ledger/facts.ts'
import { claim, LeaseLost, lockOf, takeLock, update, type Claimed } from './ledger/leases.ts'
import type { Writing } from './ledger/open.ts'
import { trip } from './ledger/switches.ts'
import type { Outcome } from './outcome.ts'
import { perform } from './perform.ts'
import { endAndPlan, expired, failed, failOrRetry } from './run-endings.ts'
import type { Attempt, RunParts } from './run-parts.ts'
import type { Step } from './step.ts'

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

async function workOn(parts: RunParts, claimed: Claimed, kept: KeptLease): Promise<void> {
  const { step } = claimed
  const { ledger } = parts
  const end = (outcome: Outcome) =>
    ledger.write((writing) => endAndPlan(parts, writing, claimed, outcome))
  const action = parts.actions.get(step.action)
  if (action === undefined)
    return end(failed('unknown_action', `there is no action ${step.action}`))
  if (ledger.clock.nowMs() >= step.deadlineAtMs) return end(expired(step))
  let hasBegun = claimed.hasBegun
  try {
    const attempt = await prepare(parts, claimed, kept, action)
    const situation = await passesBeforePlan(attempt)
    if (situation === null) return
    const planned = await planOf(attempt, situation)
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
      kubernetes: parts.kubernetes(signal, action.risk),
      evidence: parts.evidence(step, signal),
      link: parts.linkOf(step.caseId),
      signal,
      notify: parts.notify,
    },
    undone: step.kind === 'undo' ? (contained?.effect ?? {}) : null,
  }
}

/** Null: it ended or waits. Nobody is asked for a plan of what may not happen anyway. */
async function passesBeforePlan(attempt: Attempt): Promise<Situation | null> {
  const { parts, claimed, call } = attempt
  const { rows, clock } = parts.ledger
  const moment = { rows, nowMs: clock.nowMs() }
  const situation = await briefSituationOf(moment, claimed.step, call.alert, parts.surroundings)
  const asked = askBeforePlan(situation)
  if (asked.stopped === null) return situation
  await parts.ledger.write((writing) => settle(writing, attempt, situation, asked))
  return null
}

/** What there is to do. A step that had begun asks on although its target is gone: the node knows whether it was us. */
async function planOf(attempt: Attempt, situation: Situation): Promise<Planned | null> {
  const { parts, action, call, claimed, undone } = attempt
  if (undone !== null) return null
  const willAct = acts(situation) && claimed.step.terms.approve === null
  try {
    await parts.confirm(call.alert, call.target)
    return await abortable(action.plan({ ...call, willAct }), call.signal)
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
  const { parts, claimed, call, undone } = attempt
  const { step, lease } = claimed
  return parts.ledger.write(async (writing) => {
    const found = await situationOf(writing, step, call.alert, planned, parts.surroundings)
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
      await endAndPlan(parts, writing, { ...claimed, step: { ...step, mode: 'audit' } }, outcome)
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
  { parts, claimed }: Attempt,
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
    await endAndPlan(parts, writing, claimed, outcome)
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

async function finish({ parts, claimed, action }: Attempt, outcome: Outcome): Promise<void> {
  const isUndoable = action.undo !== undefined && claimed.step.kind === 'act'
  await parts.ledger.write((writing) => endAndPlan(parts, writing, claimed, outcome, isUndoable))
  parts.reach('ended', claimed.step)
}

const doneBefore = (step: Step, planned: Planned): Outcome => ({
  status: 'done',
  code: 'found_done',
  detail: planned.detail,
  effect: step.plan?.effect ?? {},
})
