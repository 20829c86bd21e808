/** Steps as rows: inserted once by their derived id, read back whole. */
import type { Step, StepDraft } from '../step.ts'
import { canonical } from './canonical.ts'
import type { Ledger, Writing } from './open.ts'
import { weighStrike } from './strikes.ts'
import type { StepRow } from './tables.ts'

/** What a draft holds beside the columns. */
type DraftRest = Pick<
  StepDraft,
  | 'rung'
  | 'policyGeneration'
  | 'parameters'
  | 'target'
  | 'workload'
  | 'terms'
  | 'after'
  | 'afterMs'
  | 'recorded'
>

export interface NewStep {
  readonly draft: StepDraft
  readonly kind: Step['kind']
  readonly undoes: string | null
  readonly requestedBy: string | null
}

export const act = (draft: StepDraft): NewStep => ({
  draft,
  kind: 'act',
  undoes: null,
  requestedBy: null,
})

/** Durable before anything acts on it; a step that the ledger has already is left as it is. Returns the new ones. */
export async function insertSteps(
  writing: Writing,
  steps: readonly NewStep[],
): Promise<readonly Step[]> {
  const inserted: Step[] = []
  for (const planned of steps) {
    const recorded = await weighStrike(writing, planned.draft)
    const step = { ...planned, draft: { ...planned.draft, recorded } }
    const isWaiting = await hasLiveStep(writing, step.draft.after)
    const row = rowOf(step, writing.nowMs, isWaiting)
    const result = await writing.rows
      .insertInto('steps')
      .values(row)
      .onConflict((conflict) => conflict.column('id').doNothing())
      .executeTakeFirst()
    if (result.numInsertedOrUpdatedRows !== 1n) continue
    const { draft } = step
    await writing.audit({
      kind: draft.recorded === null ? 'planned' : 'recorded',
      subject: draft.id,
      body: {
        kind: step.kind,
        case: draft.caseId,
        alert: draft.alertId,
        policy: draft.policy,
        generation: draft.policyGeneration,
        rung: draft.rung,
        action: draft.action,
        target: draft.target,
        parameters: draft.parameters,
        mode: draft.mode,
        requestedBy: step.requestedBy,
        outcome: draft.recorded,
      },
    })
    inserted.push(stepOf(row))
  }
  return inserted
}

async function hasLiveStep({ rows }: Writing, ids: readonly string[]): Promise<boolean> {
  if (ids.length === 0) return false
  const live = await rows
    .selectFrom('steps')
    .select('id')
    .where('id', 'in', ids)
    .where('status', '<>', 'ended')
    .limit(1)
    .executeTakeFirst()
  return live !== undefined
}

function rowOf(step: NewStep, nowMs: number, isWaiting: boolean): StepRow {
  const { draft } = step
  const beginMs = isWaiting ? nowMs + draft.afterMs : nowMs
  const rest: DraftRest = {
    rung: draft.rung,
    policyGeneration: draft.policyGeneration,
    parameters: draft.parameters,
    target: draft.target,
    workload: draft.workload,
    terms: draft.terms,
    after: draft.after,
    afterMs: draft.afterMs,
    recorded: draft.recorded,
  }
  const { recorded } = draft
  return {
    id: draft.id,
    kind: step.kind,
    undoes: step.undoes,
    requested_by: step.requestedBy,
    case_id: draft.caseId,
    alert_id: draft.alertId,
    policy: draft.policy,
    action: draft.action,
    target_uid: draft.target.uid,
    node: draft.target.node,
    namespace: draft.target.namespace,
    workload: draft.workload,
    lane: draft.lane,
    risk: draft.risk,
    mode: draft.mode,
    draft: canonical(rest),
    status: recorded === null ? 'ready' : 'ended',
    owner: null,
    lease_generation: 0,
    lease_until_ms: 0,
    attempt: 0,
    created_ms: nowMs,
    not_before_ms: beginMs,
    deadline_at_ms: beginMs + draft.terms.deadlineMs,
    after_until_ms: isWaiting ? beginMs : nowMs,
    plan: null,
    plan_hash: null,
    acted_ms: recorded !== null && 'effect' in recorded ? nowMs : null,
    ended_ms: recorded === null ? null : nowMs,
    outcome_status: recorded?.status ?? null,
    outcome: recorded === null ? null : canonical(recorded),
  }
}

export function stepOf(row: StepRow): Step {
  // What the ledger wrote itself is trusted: it was parsed at the edge once.
  const rest: DraftRest = JSON.parse(row.draft)
  return {
    ...rest,
    id: row.id,
    kind: row.kind,
    undoes: row.undoes,
    requestedBy: row.requested_by,
    caseId: row.case_id,
    alertId: row.alert_id,
    policy: row.policy,
    action: row.action,
    lane: row.lane,
    risk: row.risk,
    mode: row.mode,
    status: row.status,
    attempt: row.attempt,
    leaseGeneration: row.lease_generation,
    createdMs: row.created_ms,
    notBeforeMs: row.not_before_ms,
    deadlineAtMs: row.deadline_at_ms,
    plan: row.plan === null ? null : JSON.parse(row.plan),
    planHash: row.plan_hash,
    actedMs: row.acted_ms,
    endedMs: row.ended_ms,
    outcome: row.outcome === null ? null : JSON.parse(row.outcome),
  }
}

type Reads = Pick<Ledger, 'rows'> | Pick<Writing, 'rows'>

export async function findStep({ rows }: Reads, id: string): Promise<Step | undefined> {
  const row = await rows.selectFrom('steps').selectAll().where('id', '=', id).executeTakeFirst()
  return row === undefined ? undefined : stepOf(row)
}

export async function stepsOfCase({ rows }: Reads, caseId: string): Promise<readonly Step[]> {
  const found = await rows
    .selectFrom('steps')
    .selectAll()
    .where('case_id', '=', caseId)
    .orderBy('created_ms')
    .orderBy('id')
    .execute()
  return found.map(stepOf)
}

/** Newest first. */
export async function listSteps(
  { rows }: Reads,
  filter: { readonly isLive?: boolean; readonly caseId?: string; readonly limit: number },
): Promise<readonly Step[]> {
  let query = rows.selectFrom('steps').selectAll().orderBy('created_ms', 'desc').limit(filter.limit)
  if (filter.isLive === true) query = query.where('status', '<>', 'ended')
  if (filter.caseId !== undefined) query = query.where('case_id', '=', filter.caseId)
  return (await query.execute()).map(stepOf)
}
