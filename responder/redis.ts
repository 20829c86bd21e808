/** The responder's own Redis: a child on a Unix socket in its data directory, restarted when it dies. */
import { execFile, spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { chmod, mkdir, realpath, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { Redis } from 'ioredis'
import { messageOf, RedisUnavailable } from './errors.ts'

/** A Redis that `riposte run` starts, or somebody's by URL. */
export type RedisAddress = { readonly path: string } | { readonly url: string }

export interface OwnRedis extends AsyncDisposable {
  readonly address: { readonly path: string }
  /** Undefined while it is down. */
  readonly pid: () => number | undefined
  readonly restarts: () => number
}

/** sockaddr_un.sun_path holds 108 bytes with its NUL. */
const longestSocketPath = 107
/** What Redis leaves behind after this many starts that failed at once is put aside: the ledger rebuilds the queue. */
const patience = 3

export async function startRedis(
  directory: string,
  onRestart: (reason: string) => void = () => undefined,
): Promise<OwnRedis> {
  await mkdir(directory, { recursive: true, mode: 0o700 })
  await chmod(directory, 0o700)
  const home = await realpath(directory)
  const socket = join(home, 'redis.sock')
  if (Buffer.byteLength(socket) > longestSocketPath)
    throw new RedisUnavailable(
      `${socket} is longer than a Unix socket's path may be (${longestSocketPath} bytes): use a shorter --data`,
    )
  await stopOurOld(socket, home)
  const server = new Server(home, socket, onRestart)
  await server.start()
  return {
    address: { path: socket },
    pid: () => server.pid(),
    restarts: () => server.restarts,
    [Symbol.asyncDispose]: () => server.stop(),
  }
}

class Server {
  restarts = 0
  readonly #home: string
  readonly #socket: string
  readonly #onRestart: (reason: string) => void
  #child: ChildProcess | undefined
  #isStopping = false
  #failures = 0
  #life: Promise<void> = Promise.resolve()

  constructor(home: string, socket: string, onRestart: (reason: string) => void) {
    this.#home = home
    this.#socket = socket
    this.#onRestart = onRestart
  }

  pid(): number | undefined {
    return this.#child?.exitCode === null && this.#child.signalCode === null
      ? this.#child.pid
      : undefined
  }

  async start(): Promise<void> {
    try {
      await this.#spawn()
    } catch (error) {
      // What an earlier run left cannot be read: the ledger has all of it.
      if (!(await this.#putAside())) throw error
      this.#onRestart(messageOf(error))
      await this.#spawn()
    }
    this.#life = this.#watch()
  }

  async stop(): Promise<void> {
    this.#isStopping = true
    const child = this.#child
    if (child !== undefined && this.pid() !== undefined) {
      const exit = once(child, 'exit')
      child.kill('SIGTERM')
      await exit
    }
    await this.#life
    await rm(this.#socket, { force: true })
  }

  /** Restarts with a growing pause, for as long as the responder lives. */
  async #watch(): Promise<void> {
    while (!this.#isStopping) {
      const child = this.#child
      if (child !== undefined && this.pid() !== undefined) await once(child, 'exit')
      if (this.#isStopping) return
      this.restarts++
      this.#onRestart(`redis-server ended (${child?.signalCode ?? child?.exitCode ?? 'unknown'})`)
      try {
        await this.#spawn()
        this.#failures = 0
      } catch (error) {
        this.#failures++
        this.#onRestart(messageOf(error))
        if (this.#failures === patience) await this.#putAside()
        await sleep(Math.min(5000, 100 * 2 ** this.#failures))
      }
    }
  }

  async #spawn(): Promise<void> {
    await rm(this.#socket, { force: true })
    const [command = '', ...args] = await commandLine(this.#home, this.#socket)
    const child = spawn(command, args, { cwd: this.#home, stdio: ['ignore', 'pipe', 'pipe'] })
    this.#child = child
    let said = ''
    const listen = (chunk: Buffer) => (said = (said + chunk.toString()).slice(-2000))
    child.stdout.on('data', listen)
    child.stderr.on('data', listen)
    const failed = new Promise<never>((_, reject) => {
      child.once('error', reject)
      child.once('exit', () => {
        reject(new RedisUnavailable(`redis-server did not start: ${said.trim().slice(-500)}`))
      })
    })
    // It also rejects when the server ends later, which is the watch's to see.
    failed.catch(() => undefined)
    await Promise.race([failed, untilItAnswers(this.#socket, () => this.pid() !== undefined)])
  }

  /** False: there is nothing. */
  async #putAside(): Promise<boolean> {
    const data = join(this.#home, 'appendonlydir')
    if (!existsSync(data)) return false
    await rm(`${data}.unreadable`, { recursive: true, force: true })
    await rename(data, `${data}.unreadable`)
    return true
  }
}

/** Under setpriv, so that the kernel ends it with us even after kill -9. */
async function commandLine(home: string, socket: string): Promise<readonly string[]> {
  const setpriv = existsSync('/usr/bin/setpriv') && (await canSetpriv())
  const wrapper = setpriv ? ['/usr/bin/setpriv', '--pdeathsig', 'TERM', '--'] : []
  const options = {
    port: '0',
    unixsocket: socket,
    unixsocketperm: '600',
    dir: home,
    daemonize: 'no',
    save: '',
    appendonly: 'yes',
    appendfsync: 'everysec',
    'maxmemory-policy': 'noeviction',
    loglevel: 'warning',
  }
  const args = Object.entries(options).flatMap(([name, value]) => [`--${name}`, value])
  return [...wrapper, 'redis-server', ...args]
}

async function canSetpriv(): Promise<boolean> {
  const { stdout } = await promisify(execFile)('/usr/bin/setpriv', ['--help'])
  return stdout.includes('--pdeathsig')
}

const probe = (socket: string) => {
  const redis = new Redis({ path: socket, lazyConnect: true, retryStrategy: () => null })
  // Without a listener ioredis prints connection errors; here they are the answer to `connect`.
  redis.on('error', () => undefined)
  return redis
}

async function untilItAnswers(socket: string, isAlive: () => boolean): Promise<void> {
  for (let waitedMs = 0; waitedMs < 10_000 && isAlive(); waitedMs += 20) {
    if (existsSync(socket) && (await answers(socket))) return
    await sleep(20)
  }
  throw new RedisUnavailable('redis-server did not answer within 10 s')
}

/** Also false while it loads its file. */
async function answers(socket: string): Promise<boolean> {
  const redis = probe(socket)
  try {
    await redis.connect()
    return (await redis.ping()) === 'PONG'
  } catch {
    return false
  } finally {
    redis.disconnect()
  }
}

/** One that an earlier run left behind works in our directory; anybody else's is not touched. */
async function stopOurOld(socket: string, home: string): Promise<void> {
  if (!existsSync(socket) || !(await answers(socket))) return
  const redis = probe(socket)
  try {
    await redis.connect()
    const [, directory] = await redis.config('GET', 'dir')
    if (directory !== home)
      throw new RedisUnavailable(`${socket} belongs to a Redis that works in ${directory}`)
    await redis.shutdown('NOSAVE').catch(() => undefined)
  } finally {
    redis.disconnect()
  }
  for (let waitedMs = 0; waitedMs < 10_000 && (await answers(socket)); waitedMs += 20)
    await sleep(20)
}
