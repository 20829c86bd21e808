/** A real server that speaks S3, on loopback, in a temporary folder of its own. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { goPrograms } from '../cluster/go-programs.ts'

const region = 'eu-central-1'
const root = { accessKeyId: 'riposte-test', secretAccessKey: 'a-secret-for-this-test-alone' }

export interface S3Server extends AsyncDisposable {
  readonly endpoint: string
  readonly region: string
  /** Of its administrator. */
  readonly credentials: typeof root
  /** kill -9. */
  readonly crash: () => Promise<void>
  /** On the same data, at the same address. */
  readonly up: () => Promise<void>
}

/** A minute on two idle cores the first time, then nothing. */
const program = async () => {
  const folder = await goPrograms({
    folder: join(import.meta.dirname, 'tools'),
    cache: 's3',
    packages: { versitygw: 'github.com/versity/versitygw/cmd/versitygw' },
    flags: () => '-s -w',
  })
  return join(folder, 'bin/versitygw')
}

export async function startS3(): Promise<S3Server> {
  const file = await program()
  const folder = mkdtempSync(join(tmpdir(), 'riposte-s3-'))
  const port = await freePort()
  const endpoint = `http://127.0.0.1:${port}`
  let child: ChildProcess | undefined
  const up = async () => {
    const flags = ['--port', `127.0.0.1:${port}`, '--region', region, '--quiet', 'posix', folder]
    const env = { ROOT_ACCESS_KEY: root.accessKeyId, ROOT_SECRET_KEY: root.secretAccessKey }
    child = spawn(file, flags, { env, stdio: 'ignore' })
    while (!(await isUp(endpoint))) {
      if (child.exitCode !== null) throw new Error(`versitygw ended with ${child.exitCode}`)
      await new Promise((resume) => setTimeout(resume, 50))
    }
  }
  const crash = async () => {
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
    const ended = once(child, 'exit')
    child.kill('SIGKILL')
    await ended
  }
  await up()
  return {
    endpoint,
    region,
    credentials: root,
    crash,
    up,
    async [Symbol.asyncDispose]() {
      await crash()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

const isUp = async (endpoint: string) => {
  try {
    await fetch(endpoint)
    return true
  } catch {
    return false
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const found = server.address()
  await new Promise((closed) => server.close(closed))
  if (found === null || typeof found === 'string') throw new Error('no port')
  return found.port
}
