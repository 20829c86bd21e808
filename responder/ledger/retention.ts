/** What is over and old leaves the ledger, a little at a time; nothing that is live, or that a limit still counts (I6, I8). */
import { setTimeout as pause } from 'node:timers/promises'
import { sql } from 'kysely'
import { archiveAudit, dropArchived, type ArchiveBounds } from './archive.ts'
import type { Ledger, Writing } from './open.ts'

export interface Retention extends ArchiveBounds {
  /** Alerts and cases older than this go. */
  readonly keepMs: number
  /** Beyond so many, the oldest go earlier. */
  readonly alerts: number
  readonly cases: number
}

/** Rows a transaction: other works wait no longer than for a handful of steps. */
const atOnce = 100
/** Between transactions, so that a backlog leaves most of the time to what is happening now. */
const breathMs = 20
/** What was let through stays for as long as a limit, cooldown or fuse may look back, however much there is. */
const countedMs = 7 * 86_400_000

/** Returns when nothing is left to do, or when told to stop. */
export async function prune(
  ledger: Ledger,
  retention: Retention,
  isStopping: () => boolean,
): Promise<void> {
  const works = [
    () => ledger.write((writing) => pruneCases(writing, retention)),
    () => ledger.write((writing) => pruneAlerts(writing, retention)),
    () => archiveAudit(ledger, retention),
    () => dropArchived(ledger, retention),
  ]
  for (const work of works) while (!isStopping() && (await work())) await pause(breathMs)
  if (!ledger.isShared) await sql`pragma incremental_vacuum(2000)`.execute(ledger.rows)
}

/** Whole cases, with their steps, approvals and containments. True: there may be more. */
async function pruneCases(writing: Writing, retention: Retention): Promise<boolean> {
  const { rows, nowMs } = writing
  const isTooMany = await hasMoreThan(writing, 'cases', retention.cases)
  const beforeMs = isTooMany ? nowMs : nowMs - retention.keepMs
  const found = await rows
    .selectFrom('cases')
    .select('id')
    .where('last_ms', '<', beforeMs)
    .where((cases) =>
      cases.not(
        cases.exists(
          cases
            .selectFrom('steps')
            .select('steps.id')
            .whereRef('steps.case_id', '=', 'cases.id')
            .where((eb) =>
              eb.or([
                eb('steps.status', '<>', 'ended'),
                eb('steps.ended_ms', '>=', beforeMs),
                eb('steps.acted_ms', '>', nowMs - countedMs).and('steps.risk', 'not in', [
                  'observe',
                  'notify',
                ]),
              ]),
            ),
        ),
      ),
    )
    .where((cases) =>
      cases.not(
        cases.exists(
          cases
            .selectFrom('containments')
            .select('containments.id')
            .whereRef('containments.case_id', '=', 'cases.id')
            .where('containments.status', 'not in', ['undone', 'gone']),
        ),
      ),
    )
    .orderBy('last_ms')
    .limit(atOnce)
    .execute()
  const ids = found.map(({ id }) => id)
  if (ids.length === 0) return false
  const approvals = rows.selectFrom('approvals').select('id').where('case_id', 'in', ids)
  await rows.deleteFrom('votes').where('approval_id', 'in', approvals).execute()
  await rows.deleteFrom('approvals').where('case_id', 'in', ids).execute()
  await rows.deleteFrom('containments').where('case_id', 'in', ids).execute()
  await rows.deleteFrom('steps').where('case_id', 'in', ids).execute()
  await rows.deleteFrom('cases').where('id', 'in', ids).execute()
  return ids.length === atOnce
}

/** An alert that a step or a case still names stays with it. */
async function pruneAlerts(writing: Writing, retention: Retention): Promise<boolean> {
  const { rows, nowMs } = writing
  const isTooMany = await hasMoreThan(writing, 'alerts', retention.alerts)
  const found = await rows
    .selectFrom('alerts')
    .select('id')
    .where('received_ms', '<', isTooMany ? nowMs : nowMs - retention.keepMs)
    .where((alerts) =>
      alerts.not(
        alerts.exists(
          alerts.selectFrom('steps').select('steps.id').whereRef('alert_id', '=', 'alerts.id'),
        ),
      ),
    )
    .where((alerts) =>
      alerts.not(
        alerts.exists(
          alerts.selectFrom('cases').select('cases.id').whereRef('last_alert_id', '=', 'alerts.id'),
        ),
      ),
    )
    .orderBy('received_ms')
    .limit(atOnce)
    .execute()
  const ids = found.map(({ id }) => id)
  if (ids.length > 0) await rows.deleteFrom('alerts').where('id', 'in', ids).execute()
  return ids.length === atOnce
}

async function hasMoreThan(
  { rows }: Writing,
  table: 'alerts' | 'cases',
  count: number,
): Promise<boolean> {
  const row = await rows
    .selectFrom(table)
    .select((eb) => eb.fn.countAll<number>().as('count'))
    .executeTakeFirst()
  return (row?.count ?? 0) > count
}
