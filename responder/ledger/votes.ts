/** Approvals and votes as rows. */
import type { Approval, ApprovalStatus } from '../approval.ts'
import type { Ledger, Writing } from './open.ts'
import type { ApprovalRow, VoteRow } from './tables.ts'

type Reads = Pick<Ledger, 'rows'> | Pick<Writing, 'rows'>

export async function latestApproval(reads: Reads, stepId: string): Promise<Approval | null> {
  const row = await reads.rows
    .selectFrom('approvals')
    .selectAll()
    .where('step_id', '=', stepId)
    .orderBy('created_ms', 'desc')
    .orderBy('decided_ms', 'desc')
    .limit(1)
    .executeTakeFirst()
  return row === undefined ? null : ((await withVotes(reads, [row]))[0] ?? null)
}

export async function findApproval(reads: Reads, id: string): Promise<Approval | null> {
  const row = await reads.rows
    .selectFrom('approvals')
    .selectAll()
    .where('id', '=', id)
    .executeTakeFirst()
  return row === undefined ? null : ((await withVotes(reads, [row]))[0] ?? null)
}

/** Newest first; all of them when no status is given. */
export async function listApprovals(
  reads: Reads,
  filter: { readonly status?: ApprovalStatus; readonly limit: number },
): Promise<readonly Approval[]> {
  let query = reads.rows
    .selectFrom('approvals')
    .selectAll()
    .orderBy('created_ms', 'desc')
    .limit(filter.limit)
  if (filter.status !== undefined) query = query.where('status', '=', filter.status)
  return withVotes(reads, await query.execute())
}

async function withVotes(
  { rows }: Reads,
  found: readonly ApprovalRow[],
): Promise<readonly Approval[]> {
  if (found.length === 0) return []
  const ids = found.map(({ id }) => id)
  const votes = await rows
    .selectFrom('votes')
    .selectAll()
    .where('approval_id', 'in', ids)
    .orderBy('at_ms')
    .execute()
  const byApproval = Map.groupBy(votes, (vote) => vote.approval_id)
  return found.map((row) => approvalOf(row, byApproval.get(row.id) ?? []))
}

function approvalOf(row: ApprovalRow, votes: readonly VoteRow[]): Approval {
  return {
    id: row.id,
    stepId: row.step_id,
    caseId: row.case_id,
    policy: row.policy,
    action: row.action,
    targetName: row.target_name,
    planHash: row.plan_hash,
    detail: row.detail,
    terms: JSON.parse(row.terms),
    status: row.status,
    decision: row.decision,
    createdMs: row.created_ms,
    expiresMs: row.expires_ms,
    decidedMs: row.decided_ms,
    votes: votes.map(({ person, choice, reason, channel, at_ms: atMs }) => ({
      person,
      choice,
      reason,
      channel,
      atMs,
    })),
  }
}

/** Pending ones whose channels are still to be told, oldest first. */
export async function untoldApprovals({ rows }: Reads): Promise<readonly string[]> {
  const found = await rows
    .selectFrom('approvals')
    .select('id')
    .where('told_ms', 'is', null)
    .where('status', '=', 'pending')
    .orderBy('created_ms')
    .limit(50)
    .execute()
  return found.map(({ id }) => id)
}

export const setTold = ({ rows, nowMs }: Writing, id: string) =>
  rows.updateTable('approvals').set({ told_ms: nowMs }).where('id', '=', id).execute()
