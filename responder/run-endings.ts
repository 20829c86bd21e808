/** When an attempt throws: tried again while that can help and there is time, or ended with what is known. */
import { ActionExpired, ActionRefused, Conflict, TargetGone } from './actions/errors.ts'
import { DeadlinePassed, kindOf, messageOf, WorldError } from './errors.ts'
import { endLeased } from './ledger/endings.ts'
import { planAgain } from './ledger/intake.ts'
import { update, type Claimed } from './ledger/leases.ts'
import type { Writing } from './ledger/open.ts'
import type { Outcome } from './outcome.ts'
import type { RunParts } from './run-parts.ts'
import type { Step } from './step.ts'

/** The end of a step and what its case asks for next, in one transaction: a rung may ask how an earlier one went. */
export async function endAndPlan(
  { judge }: RunParts,
  writing: Writing,
  { step, lease }: Claimed,
  outcome: Outcome,
  isUndoable = false,
): Promise<void> {
  await endLeased(writing, lease, step, outcome, { isUndoable })
  await planAgain(writing, judge, step.caseId)
}

export async function failOrRetry(
  parts: RunParts,
  claimed: Claimed,
  error: unknown,
  hasBegun: boolean,
): Promise<void> {
  const { ledger } = parts
  const { step, lease } = claimed
  await ledger.write(async (writing) => {
    const { code, retryable } = kindOf(error)
    // Between plan and act somebody, or another step, changed the object: what is there now is planned anew.
    const isOvertaken = error instanceof Conflict && step.kind === 'act'
    const message = messageOf(error)
    const attempt = step.attempt + 1
    const notBeforeMs = writing.nowMs + Math.min(60_000, 200 * 2 ** step.attempt)
    if (
      (retryable || isOvertaken) &&
      attempt < step.terms.attempts &&
      notBeforeMs < step.deadlineAtMs
    ) {
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
    await endAndPlan(parts, writing, claimed, ending(step, error, hasBegun))
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

export const failed = (code: string, detail: string): Outcome => ({
  status: 'failed',
  code,
  detail,
})

export const expired = (step: Step) =>
  ({
    status: 'expired',
    code: 'deadline',
    detail: `it did not begin within ${step.terms.deadlineMs / 1000} s`,
  }) as const
