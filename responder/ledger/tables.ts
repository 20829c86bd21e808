/** The ledger's rows. One schema for SQLite and PostgreSQL: text, 64-bit integers, JSON as text, 0 and 1. */
import type { Risk } from '../actions/action.ts'
import type { ContainmentStatus } from '../containment.ts'
import type { ApprovalStatus, Vote } from '../approval.ts'
import type { Lane, StepStatus } from '../step.ts'

export interface Tables {
  alerts: AlertRow
  cases: CaseRow
  steps: StepRow
  approvals: ApprovalRow
  votes: VoteRow
  containments: ContainmentRow
  locks: LockRow
  trips: TripRow
  settings: SettingRow
  logins: LoginRow
  audit: AuditRow
  audit_head: AuditHeadRow
  audit_segments: AuditSegmentRow
  schema_version: { version: number }
}

interface AlertRow {
  id: string
  node: string
  rule: string
  priority: string
  /** Ledger milliseconds, as every `_ms`. */
  received_ms: number
  /** The whole alert. */
  body: string
  /** JSON list of the cases that it was counted into; empty: no policy selects it. */
  cases: string
  /** Until when it waits for its amendment: its place is pending, and no policy has seen it. Null: it waits for none. */
  pending_until_ms: number | null
}

export interface CaseRow {
  id: string
  policy: string
  key: string
  target: string
  count: number
  priority: string
  rules: string
  first_ms: number
  last_ms: number
  last_alert_id: string
  /** 1: a step ended since the plan was last asked. */
  is_stale: number
}

export interface StepRow {
  id: string
  kind: 'act' | 'undo'
  undoes: string | null
  requested_by: string | null
  case_id: string
  alert_id: string
  policy: string
  action: string
  target_uid: string
  node: string
  /** Null outside Kubernetes. */
  namespace: string | null
  workload: string | null
  lane: Lane
  risk: Risk
  mode: 'audit' | 'enforce'
  /** The rest of the draft: rung, generation, parameters, target, terms, after. */
  draft: string
  status: StepStatus
  owner: string | null
  lease_generation: number
  lease_until_ms: number
  attempt: number
  created_ms: number
  not_before_ms: number
  deadline_at_ms: number
  after_until_ms: number
  plan: string | null
  plan_hash: string | null
  acted_ms: number | null
  ended_ms: number | null
  outcome_status: string | null
  outcome: string | null
}

export interface ApprovalRow {
  id: string
  step_id: string
  case_id: string
  policy: string
  action: string
  target_name: string
  plan_hash: string
  detail: string
  terms: string
  status: ApprovalStatus
  decision: string | null
  created_ms: number
  expires_ms: number
  decided_ms: number | null
  /** When the last of its channels had been told; null: it is still to be told. */
  told_ms: number | null
}

export interface VoteRow {
  approval_id: string
  person: string
  choice: Vote['choice']
  reason: string
  channel: string
  at_ms: number
}

export interface ContainmentRow {
  id: string
  case_id: string
  policy: string
  action: string
  target: string
  effect: string
  detail: string
  status: ContainmentStatus
  started_ms: number
  expires_ms: number | null
  on_expiry: 'revert' | 'keep'
  ended_ms: number | null
  undo_round: number
}

interface LockRow {
  target: string
  step_id: string
  until_ms: number
}

interface TripRow {
  policy: string
  reason: string
  at_ms: number
}

/** kill_switch, mode:<policy>, clock:<boot>, responder. */
interface SettingRow {
  name: string
  value: string
}

/** A one-time code or a session of the web page. */
export interface LoginRow {
  /** SHA-256 of the code or token. */
  hash: string
  kind: 'code' | 'session'
  name: string
  ends_ms: number
  /** It ends earlier when nobody uses it until then. */
  idle_ms: number
  /** Null: it does not rotate (any more). */
  rotate_ms: number | null
}

export interface AuditRow {
  seq: number
  at_ms: number
  kind: string
  /** Id of the step, approval, containment, alert or policy that it is about. */
  subject: string
  /** Canonical JSON. */
  body: string
  previous: string
  hash: string
}

/** Records that left the table, in their order. */
interface AuditSegmentRow {
  from_seq: number
  to_seq: number
  /** Hash that the first record follows, and that of the last one. */
  previous: string
  hash: string
  /** Length of body. */
  bytes: number
  /** Base64 of gzip of the rows, one JSON object a line. */
  body: string
}

/** One row: where the chain ends. Every writing transaction takes it first, which puts them in one order. */
interface AuditHeadRow {
  id: number
  seq: number
  hash: string
}
