/** Node's own SQLite behind kysely. FULL: a commit that returned survives a power cut. */
import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite'
import { SqliteDialect, type SqliteDatabase, type SqliteStatement } from 'kysely'

const pragmas = `
  pragma journal_mode = wal;
  pragma synchronous = full;
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
  all: (parameters) => statement.all(...parameters.map(bindable)),
  run: (parameters) => statement.run(...parameters.map(bindable)),
  iterate: (parameters) => statement.iterate(...parameters.map(bindable)),
})

function bindable(value: unknown): SQLInputValue {
  if (value === null || typeof value === 'string' || typeof value === 'number') return value
  if (typeof value === 'bigint' || value instanceof Uint8Array) return value
  throw new TypeError(`SQLite cannot hold a ${typeof value}`)
}
