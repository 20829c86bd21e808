/** Steps and cases as people read them: what was decided, by which policy, and how it ended. */
import type { RungSpec } from '../policy/schema.ts'
import type { Ledger } from '../ledger/open.ts'
import { stepOf } from '../ledger/steps.ts'
import type { Step } from '../step.ts'

export interface Decision {
  readonly stepId: string
  readonly caseId: string
  readonly kind: Step['kind']
  readonly policy: string
  readonly rung: RungSpec['name']
  readonly action: string
  readonly target: string
  readonly mode: Step['mode']
  readonly status: Step['status']
  readonly outcome: Step['outcome']
  /** One line: `audit: would kill cat (812) on node-a`. */
  readonly summary: string
  readonly createdMs: number
  readonly endedMs: number | null
}

export async function decisionsOf(
  { rows }: Pick<Ledger, 'rows'>,
  caseIds: readonly string[],
): Promise<readonly Decision[]> {
  if (caseIds.length === 0) return []
  const found = await rows
    .selectFrom('steps')
    .selectAll()
    .where('case_id', 'in', caseIds)
    .orderBy('created_ms', 'desc')
    .limit(5000)
    .execute()
  return found.toReversed().map((row) => decisionOf(stepOf(row)))
}

export const decisionOf = (step: Step): Decision => ({
  stepId: step.id,
  caseId: step.caseId,
  kind: step.kind,
  policy: step.policy,
  rung: step.rung,
  action: step.action,
  target: step.target.name,
  mode: step.mode,
  status: step.status,
  outcome: step.outcome,
  summary: summaryOf(step),
  createdMs: step.createdMs,
  endedMs: step.endedMs,
})

function summaryOf({ kind, action, target, mode, status, outcome, plan }: Step): string {
  const what = kind === 'undo' ? `undo of ${action}` : action
  if (outcome === null) {
    const detail = plan === null ? `${what} on ${target.name}` : plan.detail
    return `${waiting[status]}: ${detail}`
  }
  if (outcome.code === 'target_gone' && kind === 'act')
    return mode === 'audit'
      ? `audit: would have come too late: ${outcome.detail}`
      : `too late: ${outcome.detail}`
  return `${endings[outcome.status]}: ${outcome.status === 'would' ? would(outcome.detail) : outcome.detail}`
}

const would = (detail: string) => (detail.startsWith('would ') ? detail : `would ${detail}`)

const waiting: Readonly<Record<Step['status'], string>> = {
  ready: 'waiting',
  held: 'asking people',
  claimed: 'at the gates',
  acting: 'acting',
  ended: 'ended',
}

const endings: Readonly<Record<NonNullable<Step['outcome']>['status'], string>> = {
  would: 'audit',
  done: 'done',
  done_unverified: 'done, not verified',
  ignored: 'nothing to do',
  suppressed: 'suppressed',
  failed: 'failed',
  denied: 'denied',
  expired: 'expired',
  cancelled: 'taken back',
  conflict: 'conflict',
}
