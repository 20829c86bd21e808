/** Node's own SQLite behind kysely. What is written while it is opened is durable at once; later the writer syncs (wal-sync.ts). */
import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite'
import { LedgerFull } from '../errors.ts'
import { SqliteDialect, type SqliteDatabase, type SqliteStatement } from 'kysely'

/** auto_vacuum holds for files that are made with it; the pages of older ones are used again. */
const pragmas = `
  pragma auto_vacuum = incremental;
  pragma journal_mode = wal;
  pragma synchronous = full;
  pragma journal_size_limit = 67108864;
  pragma busy_timeout = 5000;
  pragma foreign_keys = on;`

export function sqliteDialect(path: string): SqliteDialect {
  const database = new DatabaseSync(path)
  database.exec(pragmas)
  return new SqliteDialect({ database: asKyselyWants(database) })
}

/** Statements are kept: the ledger has a few dozen, and preparing one costs as much as running it. */
function asKyselyWants(database: DatabaseSync): SqliteDatabase {
  const prepared = new Map<string, SqliteStatement>()
  return {
    prepare(sql) {
      const known = prepared.get(sql)
      if (known !== undefined) return known
      const statement = wrap(database.prepare(sql))
      // A full disk has ended the transaction already; what kysely then says would hide why.
      if (sql === 'rollback') return unless(() => !database.isTransaction, statement)
      if (prepared.size >= 500) prepared.clear()
      prepared.set(sql, statement)
      return statement
    },
    close: () => {
      prepared.clear()
      database.close()
    },
  }
}

const wrap = (statement: StatementSync): SqliteStatement => ({
  reader: statement.columns().length > 0,
  all: (parameters) => named(() => statement.all(...parameters.map(bindable))),
  run: (parameters) => named(() => statement.run(...parameters.map(bindable))),
  iterate: (parameters) => statement.iterate(...parameters.map(bindable)),
})

const unless = (isOver: () => boolean, statement: SqliteStatement): SqliteStatement => ({
  ...statement,
  run: (parameters) => (isOver() ? { changes: 0, lastInsertRowid: 0 } : statement.run(parameters)),
})

/** SQLITE_FULL, and SQLITE_IOERR_SHMSIZE: the index of the WAL cannot grow. */
const fullCodes: readonly unknown[] = [13, 4874]

/** A full disk is told apart: what came can come again later. */
function named<Result>(work: () => Result): Result {
  try {
    return work()
  } catch (cause) {
    const isFull =
      typeof cause === 'object' &&
      cause !== null &&
      'errcode' in cause &&
      fullCodes.includes(cause.errcode)
    if (!isFull) throw cause
    throw new LedgerFull('the disk of the ledger is full', { cause })
  }
}

function bindable(value: unknown): SQLInputValue {
  if (value === null || typeof value === 'string' || typeof value === 'number') return value
  if (typeof value === 'bigint' || value instanceof Uint8Array) return value
  throw new TypeError(`SQLite cannot hold a ${typeof value}`)
}
