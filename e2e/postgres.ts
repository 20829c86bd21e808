/** A PostgreSQL of the test's own: a fresh cluster in a temporary directory, on a Unix socket unless an address is named. */
import { execFile, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { randomBytes } from 'node:crypto'
import { appendFileSync, chownSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
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

/** With an `address` databases are reached there, with a password. */
export async function startPostgres(binaries: string, address = ''): Promise<PostgresCluster> {
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
  const port = address === '' ? 5432 : await freePort(address)
  const password = randomBytes(16).toString('hex')
  appendFileSync(join(data, 'pg_hba.conf'), 'host all all 0.0.0.0/0 scram-sha-256\n')
  const server = spawn(
    join(binaries, 'postgres'),
    ['-D', data, '-k', directory, '-p', String(port), '-c', `listen_addresses=${address}`],
    { ...user, cwd: '/', stdio: 'ignore' },
  )
  const stop = async () => {
    const exit = once(server, 'exit')
    // SIGQUIT: at once, nothing here is to be kept.
    if (server.exitCode === null && server.kill('SIGQUIT')) await exit
    rmSync(directory, { recursive: true, force: true })
  }
  const asOwner = ['-U', 'riposte', '-d', 'postgres', '-c']
  const query = (text: string) =>
    run(join(binaries, 'psql'), ['-h', directory, '-p', String(port), ...asOwner, text])
  try {
    await untilItAnswers(() => query(`alter role riposte password '${password}'`))
  } catch (error) {
    await stop()
    throw error
  }
  let count = 0
  return {
    async createDatabase() {
      const name = `ledger_${++count}`
      await query(`create database ${name}`)
      const place = address === '' ? encodeURIComponent(directory) : `${address}:${port}`
      return `postgres://riposte:${password}@${place}/${name}`
    },
    [Symbol.asyncDispose]: stop,
  }
}

async function freePort(address: string): Promise<number> {
  const server = createServer().listen(0, address)
  await once(server, 'listening')
  const found = server.address()
  await new Promise((closed) => server.close(closed))
  if (found === null || typeof found === 'string') throw new Error('no port')
  return found.port
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
