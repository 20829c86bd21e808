/** The act itself: run or undo under the step's time, then whether it can be seen to hold. */
import { abortable } from './abortable.ts'
import type { Effect, Seen } from './actions/action.ts'
import { TargetGone } from './actions/errors.ts'
import { LeaseLost } from './ledger/leases.ts'
import type { Outcome } from './outcome.ts'
import type { Attempt } from './run-parts.ts'
import { failed } from './run-endings.ts'

export async function perform(attempt: Attempt, effect: Effect): Promise<Outcome> {
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
  const seen = await look(attempt, done.effect)
  const detail = seen.detail === '' ? done.detail : `${done.detail}; ${seen.detail}`
  return seen.isSeen
    ? { status: 'done', code: 'verified', detail, effect: done.effect }
    : { status: 'done_unverified', code: 'unverified', detail, effect: done.effect }
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
async function look({ action, call }: Attempt, effect: Effect): Promise<Seen> {
  try {
    const seen = await abortable(action.verify?.(call, effect) ?? true, call.signal)
    return typeof seen === 'boolean' ? { isSeen: seen, detail: '' } : seen
  } catch {
    return { isSeen: false, detail: '' }
  }
}
