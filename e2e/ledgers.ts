/** The two databases that a ledger can live in, for tests that are run on both. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { findPostgres, startPostgres, type PostgresCluster } from './postgres.ts'
import type { LedgerAddress } from '../responder/ledger/open.ts'

export interface LedgerHome extends AsyncDisposable {
  /** For the test's title, with the reason when it cannot run. */
  readonly title: string
  /** Why its tests are skipped, or null. */
  readonly missing: string | null
  readonly start: () => Promise<void>
  /** Address of a new, empty ledger. */
  readonly fresh: () => Promise<LedgerAddress>
}

function sqliteHome(): LedgerHome {
  const directories: string[] = []
  return {
    title: 'on SQLite',
    missing: null,
    start: () => Promise.resolve(),
    fresh() {
      const directory = mkdtempSync(join(tmpdir(), 'riposte-ledger-'))
      directories.push(directory)
      return Promise.resolve({ file: join(directory, 'ledger.db') })
    },
    [Symbol.asyncDispose]() {
      for (const directory of directories) rmSync(directory, { recursive: true, force: true })
      return Promise.resolve()
    },
  }
}

export function postgresHome(): LedgerHome {
  const found = findPostgres()
  let cluster: PostgresCluster | undefined
  return {
    title: 'missing' in found ? `on PostgreSQL (${found.missing})` : 'on PostgreSQL',
    missing: 'missing' in found ? found.missing : null,
    async start() {
      if ('binaries' in found) cluster = await startPostgres(found.binaries)
    },
    async fresh() {
      if (cluster === undefined) throw new Error('the cluster was not started')
      return { url: await cluster.createDatabase() }
    },
    [Symbol.asyncDispose]: async () => cluster?.[Symbol.asyncDispose](),
  }
}

export const ledgerHomes = (): readonly LedgerHome[] => [sqliteHome(), postgresHome()]
