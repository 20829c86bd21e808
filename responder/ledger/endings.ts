/** How a step ends: outcome and record together, then what follows from it in the ledger. */
import type { Outcome } from '../outcome.ts'
import type { Step } from '../step.ts'
import { canonical } from './canonical.ts'
import { countFailures } from './counts.ts'
import { openContainment, settleContainment } from './effects.ts'
import { releaseLock, update, type Lease } from './leases.ts'
import type { Writing } from './open.ts'
import { stepOf } from './steps.ts'
import { trip } from './switches.ts'

/** By the worker that holds it, who then asks what its case needs next; throws LeaseLost when another holds it. */
export async function endLeased(
  writing: Writing,
  lease: Lease,
  step: Step,
  outcome: Outcome,
  options: { readonly isUndoable: boolean } = { isUndoable: false },
): Promise<void> {
  await update(writing, lease, { status: 'ended', owner: null, ...columns(outcome, writing.nowMs) })
  await follow(writing, step, outcome, options.isUndoable)
}

/** By people or by time, and its case is then planned by whoever comes to it; from a step that no worker acts on; a worker that asks the gates is fenced off. */
export async function endWaiting(
  writing: Writing,
  stepId: string,
  from: readonly Step['status'][],
  outcome: Outcome,
): Promise<Step | undefined> {
  const row = await writing.rows
    .updateTable('steps')
    .set((eb) => ({
      status: 'ended',
      owner: null,
      lease_generation: eb('lease_generation', '+', 1),
      ...columns(outcome, writing.nowMs),
    }))
    .where('id', '=', stepId)
    .where('status', 'in', from)
    .returningAll()
    .executeTakeFirst()
  if (row === undefined) return undefined
  const step = stepOf(row)
  await follow(writing, step, outcome, false)
  await writing.rows
    .updateTable('cases')
    .set({ is_stale: 1 })
    .where('id', '=', step.caseId)
    .execute()
  return step
}

const columns = (outcome: Outcome, nowMs: number) => ({
  outcome_status: outcome.status,
  outcome: canonical(outcome),
  ended_ms: nowMs,
})

async function follow(writing: Writing, step: Step, outcome: Outcome, isUndoable: boolean) {
  await writing.audit({ kind: 'outcome', subject: step.id, body: { ...outcome } })
  await releaseLock(writing, step.id)
  if (step.kind === 'undo') await settleContainment(writing, step, outcome)
  else if (isUndoable && isDone(outcome)) await openContainment(writing, step, outcome)
  if (outcome.status === 'failed' && step.kind === 'act') await countFailure(writing, step)
  await wakeDependents(writing, step)
}

const isDone = (outcome: Outcome) =>
  outcome.status === 'done' || outcome.status === 'done_unverified'

/** The failure that fills the breaker opens it, not only the next step. */
async function countFailure(writing: Writing, step: Step): Promise<void> {
  const { breaker } = step.terms
  if (breaker === null || step.mode !== 'enforce') return
  const window = { sinceMs: writing.nowMs - breaker.perMs, max: breaker.failures }
  const failures = await countFailures(writing, step.policy, 'enforce', window)
  if (failures >= breaker.failures)
    await trip(writing, step.policy, `${failures} acts failed within ${breaker.perMs / 1000} s`)
}

/** Steps that waited for this one, and wait for nothing else, may begin now. */
async function wakeDependents({ rows, nowMs }: Writing, ended: Step): Promise<void> {
  const waiting = await rows
    .selectFrom('steps')
    .selectAll()
    .where('case_id', '=', ended.caseId)
    .where('status', '=', 'ready')
    .where('after_until_ms', '>', nowMs)
    .execute()
  for (const row of waiting) {
    const { after } = stepOf(row)
    if (!after.includes(ended.id)) continue
    const live = await rows
      .selectFrom('steps')
      .select('id')
      .where('id', 'in', after)
      .where('status', '<>', 'ended')
      .executeTakeFirst()
    if (live === undefined)
      await rows
        .updateTable('steps')
        .set({ not_before_ms: nowMs, after_until_ms: nowMs })
        .where('id', '=', row.id)
        .execute()
  }
}
