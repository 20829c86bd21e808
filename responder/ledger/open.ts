/** Opens the ledger: SQLite in a file, or PostgreSQL by URL. The durable truth; the queue only carries. */
import { mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { Kysely, sql } from 'kysely'
import { LedgerRefused, messageOf } from '../errors.ts'
import { startClock, thisMachine, type Anchor, type Clock, type Machine } from './clock.ts'
import { migrate } from './migrations.ts'
import { postgresDialect } from './postgres.ts'
import { sqliteDialect } from './sqlite.ts'
import type { Tables } from './tables.ts'
import { WalSync } from './wal-sync.ts'
import { openWriter, type Write } from './writer.ts'

/** `file:` path of the SQLite database, or a postgres:// URL. */
export type LedgerAddress = { readonly file: string } | { readonly url: string }

/** The rows at a time. */
export interface Moment {
  readonly rows: Kysely<Tables>
  readonly nowMs: number
}

export type { Writing } from './writer.ts'

export interface Ledger extends AsyncDisposable {
  readonly rows: Kysely<Tables>
  readonly clock: Clock
  readonly isShared: boolean
  /**
   * All writing transactions, of every replica, follow one another: each begins by taking the row of the audit's head.
   * So a limit that was read is still true when the act it allows is written.
   */
  readonly write: Write
}

export async function openLedger(
  address: LedgerAddress,
  machine: Machine = thisMachine,
): Promise<Ledger> {
  const where = 'file' in address ? address.file : 'the PostgreSQL ledger'
  const rows = new Kysely<Tables>({ dialect: dialectOf(address) })
  try {
    await migrate(rows, where)
    const clock = await openClock(rows, machine)
    const wal = 'file' in address ? await WalSync.open(address.file) : null
    if (wal !== null) await sql`pragma synchronous = normal`.execute(rows)
    return {
      rows,
      clock,
      isShared: 'url' in address,
      write: openWriter({ rows, sync: wal === null ? null : () => wal.sync() }, clock),
      [Symbol.asyncDispose]: async () => {
        await wal?.[Symbol.asyncDispose]()
        await rows.destroy()
      },
    }
  } catch (cause) {
    await rows.destroy()
    if (cause instanceof LedgerRefused) throw cause
    throw new LedgerRefused(`${where} cannot be opened: ${messageOf(cause)}`, { cause })
  }
}

function dialectOf(address: LedgerAddress) {
  if ('url' in address) return postgresDialect(address.url)
  try {
    mkdirSync(dirname(address.file), { recursive: true, mode: 0o700 })
    return sqliteDialect(address.file)
  } catch (cause) {
    throw new LedgerRefused(`${address.file} cannot be opened: ${messageOf(cause)}`, { cause })
  }
}

async function openClock(rows: Kysely<Tables>, machine: Machine): Promise<Clock> {
  const name = `clock:${machine.bootId()}`
  const setting = await rows
    .selectFrom('settings')
    .select('value')
    .where('name', '=', name)
    .executeTakeFirst()
  const latest = await rows
    .selectFrom('audit')
    .select('at_ms')
    .orderBy('seq', 'desc')
    .limit(1)
    .executeTakeFirst()
  const saved = setting === undefined ? undefined : readAnchor(setting.value)
  const { clock, anchor } = startClock(machine, saved, latest?.at_ms ?? 0)
  const value = JSON.stringify(anchor)
  await rows
    .insertInto('settings')
    .values({ name, value })
    .onConflict((conflict) => conflict.column('name').doUpdateSet({ value }))
    .execute()
  return clock
}

function readAnchor(text: string): Anchor | undefined {
  const value: unknown = JSON.parse(text)
  if (typeof value !== 'object' || value === null) return undefined
  const { bootId, uptimeMs, ledgerMs } = { bootId: '', uptimeMs: -1, ledgerMs: -1, ...value }
  return uptimeMs < 0 || ledgerMs < 0 ? undefined : { bootId, uptimeMs, ledgerMs }
}
