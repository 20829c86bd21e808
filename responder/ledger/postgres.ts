/** PostgreSQL behind kysely, for more than one responder. Integers come as numbers: none here passes 2^53. */
import { PostgresDialect } from 'kysely'
import { Pool, TypeOverrides } from 'pg'

const int8 = 20

export function postgresDialect(url: string): PostgresDialect {
  const types = new TypeOverrides()
  types.setTypeParser(int8, Number)
  const pool = new Pool({
    connectionString: url,
    max: 8,
    connectionTimeoutMillis: 5000,
    statement_timeout: 10_000,
    types,
  })
  // An idle connection that the server closes is replaced by the pool; without a listener it would end the process.
  pool.on('error', () => undefined)
  return new PostgresDialect({ pool })
}
