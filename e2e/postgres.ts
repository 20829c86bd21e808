/** A PostgreSQL of the test's own: a fresh cluster in a temporary directory, on a Unix socket, no TCP port. */
import { execFile, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chownSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'

const run = promisify(execFile)
const root = '/usr/lib/postgresql'

/** Directory of the newest installed server's programs, or why there is none to use. */
export function findPostgres(): { binaries: string } | { missing: string } {
  const versions = existsSync(root)
    ? readdirSync(root).toSorted((a, b) => Number(b) - Number(a))
    : []
  const binaries = versions
    .map((version) => join(root, version, 'bin'))
    .find((directory) => existsSync(join(directory, 'initdb')))
  if (binaries === undefined) return { missing: 'PostgreSQL is not installed' }
  if (process.getuid?.() === 0 && serverUser() === undefined)
    return { missing: 'PostgreSQL does not run as root and there is no user postgres' }
  return { binaries }
}

export interface PostgresCluster extends AsyncDisposable {
  /** URL of a database of its own, empty. */
  readonly createDatabase: () => Promise<string>
}

export async function startPostgres(binaries: string): Promise<PostgresCluster> {
  const directory = mkdtempSync(join(tmpdir(), 'riposte-pg-'))
  const user = process.getuid?.() === 0 ? serverUser() : undefined
  if (user !== undefined) chownSync(directory, user.uid, user.gid)
  const data = join(directory, 'data')
  const initdb = [
    '-D',
    data,
    '-U',
    'riposte',
    '-A',
    'trust',
    '--no-sync',
    '-E',
    'UTF8',
    '--locale=C',
  ]
  await run(join(binaries, 'initdb'), initdb, { ...user, cwd: '/' })
  const server = spawn(
    join(binaries, 'postgres'),
    ['-D', data, '-k', directory, '-c', 'listen_addresses='],
    { ...user, cwd: '/', stdio: 'ignore' },
  )
  const stop = async () => {
    const exit = once(server, 'exit')
    // SIGQUIT: at once, nothing here is to be kept.
    if (server.exitCode === null && server.kill('SIGQUIT')) await exit
    rmSync(directory, { recursive: true, force: true })
  }
  const query = (text: string) =>
    run(join(binaries, 'psql'), ['-h', directory, '-U', 'riposte', '-d', 'postgres', '-c', text])
  try {
    await untilItAnswers(() => query('select 1'))
  } catch (error) {
    await stop()
    throw error
  }
  let count = 0
  return {
    async createDatabase() {
      const name = `ledger_${++count}`
      await query(`create database ${name}`)
      return `postgres://riposte@${encodeURIComponent(directory)}/${name}`
    },
    [Symbol.asyncDispose]: stop,
  }
}

async function untilItAnswers(ask: () => Promise<unknown>): Promise<void> {
  for (let attempt = 0; ; attempt++) {
    try {
      await ask()
      return
    } catch (error) {
      if (attempt === 100) throw error
      await sleep(100)
    }
  }
}

function serverUser(): { uid: number; gid: number } | undefined {
  try {
    return { uid: postgresId('-u'), gid: postgresId('-g') }
  } catch {
    return undefined
  }
}

const postgresId = (flag: string) =>
  Number(execFileSync('id', [flag, 'postgres'], { stdio: 'pipe' }))
