/** Containments as rows: opened by a step that was done, settled by the step that undoes it. */
import type { Containment, ContainmentStatus } from '../containment.ts'
import type { Outcome } from '../outcome.ts'
import type { Step } from '../step.ts'
import { canonical } from './canonical.ts'
import type { Ledger, Writing } from './open.ts'
import type { ContainmentRow } from './tables.ts'

type Reads = Pick<Ledger, 'rows'> | Pick<Writing, 'rows'>

export async function openContainment(writing: Writing, step: Step, outcome: Outcome) {
  const { undo } = step.terms
  const expiresMs = undo === null ? null : writing.nowMs + undo.ttlMs
  await writing.rows
    .insertInto('containments')
    .values({
      id: step.id,
      case_id: step.caseId,
      policy: step.policy,
      action: step.action,
      target: canonical(step.target),
      effect: canonical('effect' in outcome ? outcome.effect : {}),
      detail: outcome.detail,
      status: 'live',
      started_ms: writing.nowMs,
      expires_ms: expiresMs,
      on_expiry: undo?.onExpiry ?? 'keep',
      ended_ms: null,
      undo_round: 0,
    })
    .onConflict((conflict) => conflict.column('id').doNothing())
    .execute()
  await writing.audit({ kind: 'contained', subject: step.id, body: { expiresMs } })
}

/** What became of the effect when its undo ended so. An undo that was taken back leaves it live, until people say. */
const settled: Readonly<Record<Outcome['status'], ContainmentStatus>> = {
  done: 'undone',
  done_unverified: 'undone',
  ignored: 'gone',
  conflict: 'conflict',
  cancelled: 'live',
  suppressed: 'failed',
  would: 'failed',
  failed: 'failed',
  denied: 'failed',
  expired: 'failed',
}

export async function settleContainment(writing: Writing, undo: Step, outcome: Outcome) {
  if (undo.undoes === null) return
  const status = settled[outcome.status]
  await writing.rows
    .updateTable('containments')
    .set({ status, expires_ms: null, ended_ms: status === 'live' ? null : writing.nowMs })
    .where('id', '=', undo.undoes)
    .where('status', '=', 'undoing')
    .execute()
}

export async function findContainment({ rows }: Reads, id: string) {
  const row = await rows
    .selectFrom('containments')
    .selectAll()
    .where('id', '=', id)
    .executeTakeFirst()
  return row === undefined ? undefined : containmentOf(row)
}

/** Newest first. `isLive` leaves out what has ended; one whose undo failed or conflicted is still there. */
export async function listContainments(
  { rows }: Reads,
  filter: { readonly isLive: boolean; readonly limit: number },
): Promise<readonly Containment[]> {
  let query = rows
    .selectFrom('containments')
    .selectAll()
    .orderBy('started_ms', 'desc')
    .limit(filter.limit)
  if (filter.isLive) query = query.where('status', 'not in', ['undone', 'gone'])
  return (await query.execute()).map(containmentOf)
}

const containmentOf = (row: ContainmentRow): Containment => ({
  id: row.id,
  caseId: row.case_id,
  policy: row.policy,
  action: row.action,
  target: JSON.parse(row.target),
  effect: JSON.parse(row.effect),
  detail: row.detail,
  status: row.status,
  startedMs: row.started_ms,
  expiresMs: row.expires_ms,
  onExpiry: row.on_expiry,
  endedMs: row.ended_ms,
})
