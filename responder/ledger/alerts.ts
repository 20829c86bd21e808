/** Alerts as rows. */
import type { Selectable } from 'kysely'
import type { Alert } from '../../contract/alert.ts'
import type { Ledger, Writing } from './open.ts'
import type { Tables } from './tables.ts'

type Reads = Pick<Ledger, 'rows'> | Pick<Writing, 'rows'>

/** Throws when it is not there: a step's alert is kept as long as the step. */
export async function findAlert({ rows }: Reads, id: string): Promise<Alert> {
  const row = await rows
    .selectFrom('alerts')
    .select('body')
    .where('id', '=', id)
    .executeTakeFirstOrThrow()
  return JSON.parse(row.body)
}

export interface StoredAlert {
  readonly alert: Alert
  readonly receivedMs: number
  /** Ids of the cases that it was counted into. */
  readonly cases: readonly string[]
  /** Ledger time until which it waits for its amendment; null when it does not. */
  readonly pendingUntilMs: number | null
}

export const storedAlertOf = (row: Selectable<Tables['alerts']>): StoredAlert => ({
  alert: JSON.parse(row.body),
  receivedMs: row.received_ms,
  cases: JSON.parse(row.cases),
  pendingUntilMs: row.pending_until_ms,
})

/** Newest first. */
export async function listAlerts({ rows }: Reads, limit: number): Promise<readonly StoredAlert[]> {
  const found = await rows
    .selectFrom('alerts')
    .selectAll()
    .orderBy('received_ms', 'desc')
    .limit(limit)
    .execute()
  return found.map(storedAlertOf)
}
