/** `riposte run` as a stranger starts it, in a data directory of its own, and the command that talks to it. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import type { Heartbeat } from '../../contract/verdict.ts'
import { eventually } from './eventually.ts'
import { LineReader } from './lines.ts'

const root = resolve(import.meta.dirname, '../..')
const command = join(root, 'cli/riposte.js')

export interface CommandResult {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** Runs a program to its end; never rejects on a non-zero exit. */
export async function run(
  file: string,
  args: readonly string[],
  options = {},
): Promise<CommandResult> {
  const child = spawn(file, args, { stdio: ['ignore', 'pipe', 'pipe'], ...options })
  const output = { stdout: '', stderr: '' }
  child.stdout?.setEncoding('utf8').on('data', (text: string) => (output.stdout += text))
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (output.stderr += text))
  await once(child, 'close')
  return { code: child.exitCode, ...output }
}

interface Health {
  readonly nodes: readonly { readonly heartbeat: Heartbeat | null }[]
}

export class Riposte implements AsyncDisposable {
  readonly data: string
  readonly policies: string
  #child: ChildProcess | undefined
  alerts = new LineReader()
  talk = new LineReader()

  private constructor(data: string, policies: string) {
    this.data = data
    this.policies = policies
  }

  /** A running instance with a copy of the default policies and those given by file name; ready when this resolves. */
  static async start(ownPolicies: Readonly<Record<string, string>> = {}): Promise<Riposte> {
    const data = await mkdtemp(join(tmpdir(), 'riposte-e2e-'))
    const policies = join(data, 'policies')
    await cp(join(root, 'policies'), policies, { recursive: true })
    for (const [name, text] of Object.entries(ownPolicies))
      await writeFile(join(policies, name), text)
    const riposte = new Riposte(join(data, 'data'), policies)
    await riposte.up()
    return riposte
  }

  /** Starts (again) on the same data. */
  async up(): Promise<void> {
    const fixed = [
      'run',
      '--data',
      this.data,
      '--listen',
      '127.0.0.1:0',
      '--policies',
      this.policies,
    ]
    const child = spawn(process.execPath, [command, ...fixed], { cwd: root })
    this.#child = child
    this.alerts = new LineReader(child.stdout)
    this.talk = new LineReader(child.stderr)
    await this.talk.until((line) => /\bready\b/.test(line))
  }

  get pid(): number {
    return this.#child?.pid ?? 0
  }

  /** `riposte ...` against this instance; throws what the command said when it fails. */
  async cli(...args: string[]): Promise<string> {
    const result = await run(process.execPath, [command, ...args, '--data', this.data], {
      cwd: root,
    })
    if (result.code !== 0) throw new Error(`riposte ${args.join(' ')} failed: ${result.stderr}`)
    return result.stdout
  }

  async json<T>(...args: string[]): Promise<T> {
    return JSON.parse(await this.cli(...args, '-o', 'json')) as T
  }

  /** Waits until the node says that its kernel strikes for a policy in this mode. */
  async untilStrikesAre(policy: string, mode: 'audit' | 'enforce'): Promise<void> {
    await eventually(
      () => this.json<Health>('status'),
      ({ nodes }) =>
        nodes.some(({ heartbeat }) =>
          heartbeat?.strikes.active.some(
            (strike) => strike.policy === policy && strike.mode === mode,
          ),
        ),
    )
  }

  /** The process that `riposte run` keeps beside itself for this. */
  async pidOf(part: 'detector' | 'redis'): Promise<number> {
    const { stdout } = await run('ps', ['-o', 'pid=,args=', '--ppid', String(this.pid)])
    const wanted = part === 'redis' ? /redis-server/ : /\bdetect\b/
    const line = stdout.split('\n').find((text) => wanted.test(text))
    if (line === undefined) throw new Error(`no ${part} among:\n${stdout}`)
    return Number.parseInt(line, 10)
  }

  /** kill -9 of the responder, and of `others`, all at once. */
  async crash(others: readonly number[] = []): Promise<void> {
    const child = this.#child
    if (!child) return
    const gone = once(child, 'exit')
    child.kill('SIGKILL')
    for (const pid of others) process.kill(pid, 'SIGKILL')
    await gone
  }

  /** Ends it as Ctrl-C does and waits for it. */
  async down(): Promise<void> {
    const child = this.#child
    if (!child || child.exitCode !== null || child.signalCode !== null) return
    child.kill('SIGINT')
    await once(child, 'exit')
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.down()
    await rm(resolve(this.data, '..'), { recursive: true, force: true })
  }
}
