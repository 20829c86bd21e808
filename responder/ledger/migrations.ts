/** The schema, one list of statements a version; append only. */
import { sql, type Kysely } from 'kysely'
import { LedgerRefused } from '../errors.ts'
import { genesis } from './chain.ts'
import type { Tables } from './tables.ts'

const versions: readonly (readonly string[])[] = [
  [
    `create table alerts (id text primary key, node text not null, rule text not null, priority text not null,
       received_ms bigint not null, body text not null, cases text not null)`,
    `create index alerts_by_time on alerts (received_ms)`,
    `create table cases (id text primary key, policy text not null, key text not null, target text not null,
       count bigint not null, priority text not null, rules text not null, first_ms bigint not null,
       last_ms bigint not null, last_alert_id text not null, is_stale bigint not null)`,
    `create index cases_by_key on cases (policy, key, last_ms)`,
    `create index cases_stale on cases (is_stale) where is_stale = 1`,
    `create table steps (id text primary key, kind text not null, undoes text, requested_by text,
       case_id text not null, alert_id text not null, policy text not null, action text not null,
       target_uid text not null, node text not null, lane text not null, risk text not null, mode text not null,
       draft text not null, status text not null, owner text, lease_generation bigint not null,
       lease_until_ms bigint not null, attempt bigint not null, created_ms bigint not null,
       not_before_ms bigint not null, deadline_at_ms bigint not null, after_until_ms bigint not null,
       plan text, plan_hash text, acted_ms bigint, ended_ms bigint, outcome_status text, outcome text)`,
    `create index steps_live on steps (status) where status <> 'ended'`,
    `create index steps_by_case on steps (case_id)`,
    `create index steps_acted on steps (acted_ms) where acted_ms is not null`,
    `create index steps_ended on steps (ended_ms)`,
    `create table approvals (id text primary key, step_id text not null, case_id text not null,
       policy text not null, action text not null, target_name text not null, plan_hash text not null,
       detail text not null, terms text not null, status text not null, decision text,
       created_ms bigint not null, expires_ms bigint not null, decided_ms bigint)`,
    `create index approvals_by_step on approvals (step_id)`,
    `create index approvals_pending on approvals (expires_ms) where status = 'pending'`,
    `create table votes (approval_id text not null, person text not null, choice text not null,
       reason text not null, channel text not null, at_ms bigint not null, primary key (approval_id, person))`,
    `create table containments (id text primary key, case_id text not null, policy text not null,
       action text not null, target text not null, effect text not null, detail text not null,
       status text not null, started_ms bigint not null, expires_ms bigint, on_expiry text not null,
       ended_ms bigint, undo_round bigint not null)`,
    `create index containments_live on containments (expires_ms) where status = 'live'`,
    `create table locks (target text primary key, step_id text not null, until_ms bigint not null)`,
    `create table trips (policy text primary key, reason text not null, at_ms bigint not null)`,
    `create table settings (name text primary key, value text not null)`,
    `create table audit (seq bigint primary key, at_ms bigint not null, kind text not null,
       subject text not null, body text not null, previous text not null, hash text not null)`,
    `create index audit_by_subject on audit (subject)`,
    `create table audit_head (id bigint primary key, seq bigint not null, hash text not null)`,
    `insert into audit_head (id, seq, hash) values (1, 0, '${genesis}')`,
  ],
  [
    // What the gates count at each step. SQLite has no statistics here and takes the index with the most columns
    // that are compared by =, so the one by target, the most selective, has one more than the others.
    `drop index steps_acted`,
    `create index steps_acted_target on steps (target_uid, mode, risk, policy, acted_ms) where acted_ms is not null`,
    `create index steps_acted_policy on steps (policy, mode, risk, acted_ms) where acted_ms is not null`,
    `create index steps_acted_risk on steps (mode, risk, acted_ms) where acted_ms is not null`,
    `create index steps_acted_lane on steps (policy, lane, mode, acted_ms) where acted_ms is not null`,
    `create index steps_outcome on steps (policy, outcome_status, mode, ended_ms)`,
  ],
  [
    `create table audit_segments (from_seq bigint primary key, to_seq bigint not null, previous text not null,
       hash text not null, bytes bigint not null, body text not null)`,
    `create index audit_segments_end on audit_segments (to_seq)`,
    // What retention asks: is an alert still needed, which cases are the oldest.
    `create index steps_by_alert on steps (alert_id)`,
    `create index cases_by_alert on cases (last_alert_id)`,
    `create index cases_by_time on cases (last_ms)`,
    `create index containments_by_case on containments (case_id)`,
    // A page that asks people is told at least once: null until then.
    `alter table approvals add column told_ms bigint`,
    `create index approvals_untold on approvals (created_ms) where told_ms is null`,
  ],
  [`alter table steps add column namespace text`, `alter table steps add column workload text`],
  [
    `alter table alerts add column pending_until_ms bigint`,
    `create index alerts_pending on alerts (pending_until_ms) where pending_until_ms is not null`,
  ],
  [
    // Every column that a count compares, so that the rows, which are long, are not read for it.
    `drop index steps_acted_target`,
    `drop index steps_acted_policy`,
    `drop index steps_acted_risk`,
    `drop index steps_acted_lane`,
    `create index steps_acted_target on steps (target_uid, mode, risk, policy, acted_ms, kind, id) where acted_ms is not null`,
    `create index steps_acted_policy on steps (policy, mode, risk, acted_ms, kind, id, node) where acted_ms is not null`,
    `create index steps_acted_risk on steps (mode, risk, acted_ms, kind, id, node) where acted_ms is not null`,
    `create index steps_acted_lane on steps (policy, lane, mode, acted_ms, kind, id) where acted_ms is not null`,
  ],
  [
    `create index steps_acted_namespace on steps (namespace, mode, risk, policy, acted_ms, kind, id) where acted_ms is not null`,
    `create index steps_acted_workload on steps (workload, mode, risk, policy, acted_ms, kind, id) where acted_ms is not null`,
  ],
  [
    `create table logins (hash text primary key, kind text not null, name text not null, ends_ms bigint not null,
       idle_ms bigint not null, rotate_ms bigint)`,
  ],
]

/** Brings the schema up to this program's; a newer one is left untouched and refused. */
export async function migrate(db: Kysely<Tables>, where: string): Promise<void> {
  await db.transaction().execute(async (tx) => {
    await sql`create table if not exists schema_version (version bigint not null)`.execute(tx)
    const row = await tx.selectFrom('schema_version').select('version').executeTakeFirst()
    const found = row?.version ?? 0
    if (found > versions.length)
      throw new LedgerRefused(
        `${where} was written by a newer Riposte (ledger version ${found}, this program knows ${versions.length}): ` +
          'run that version, or point --data at another directory; nothing was changed',
      )
    for (const statement of versions.slice(found).flat()) await sql.raw(statement).execute(tx)
    if (row === undefined)
      await tx.insertInto('schema_version').values({ version: versions.length }).execute()
    else if (found < versions.length)
      await tx.updateTable('schema_version').set({ version: versions.length }).execute()
  })
}
