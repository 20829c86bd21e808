/**
 * Falco's program_output: a shell line (`jq … | mail …`), so it runs as `/bin/sh -c`. It is the operator's own text
 * from the configuration; alerts reach it only on standard input, one a line, never as arguments.
 * One process an alert, or one that is kept alive and fed.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import type { OutputKind, OutputLine } from './output.ts'
import { type Destination, QueuedOutput } from './queued.ts'

export const program: OutputKind = {
  name: 'program',
  isEnabled: (config) => config.program_output.enabled,
  open({ config, limits, environment }) {
    const { program: line, keep_alive: keepAlive } = config.program_output
    const timeoutMs = config.riposte.program_timeout_ms
    return new QueuedOutput(
      new ProgramDestination({ program: line, keepAlive, timeoutMs, environment }),
      limits,
    )
  },
}

export interface ProgramOptions {
  readonly program: string
  readonly keepAlive: boolean
  /** A program for one alert that has not ended by then is killed, with all it started. */
  readonly timeoutMs: number
  readonly environment: NodeJS.ProcessEnv
}

export class ProgramDestination implements Destination {
  readonly name = 'program'
  readonly maxBatch: number
  readonly #options: ProgramOptions
  #kept: ChildProcess | undefined
  #current: ChildProcess | undefined

  constructor(options: ProgramOptions) {
    this.#options = options
    this.maxBatch = options.keepAlive ? 256 : 1
  }

  async deliver(lines: readonly OutputLine[]): Promise<void> {
    const text = lines.map((line) => `${line.text}\n`).join('')
    if (this.#options.keepAlive) await this.#feed(text)
    else await this.#runOnce(text)
  }

  async #feed(text: string): Promise<void> {
    const child = (this.#kept ??= this.#keep())
    await new Promise<void>((resolve, reject) => {
      const onExit = (code: number | null) => reject(ended(code))
      child.once('exit', onExit)
      child.stdin?.write(text, (error) => {
        child.off('exit', onExit)
        if (error === null || error === undefined) resolve()
        else reject(error)
      })
    })
  }

  #keep(): ChildProcess {
    const child = this.#spawn()
    child.once('exit', () => {
      if (this.#kept === child) this.#kept = undefined
    })
    child.once('error', () => {
      if (this.#kept === child) this.#kept = undefined
    })
    return child
  }

  async #runOnce(text: string): Promise<void> {
    const child = this.#spawn()
    this.#current = child
    const timer = setTimeout(() => killGroup(child), this.#options.timeoutMs)
    try {
      child.stdin?.end(text)
      await once(child, 'exit')
    } finally {
      this.#current = undefined
      clearTimeout(timer)
    }
    if (child.exitCode !== 0) throw ended(child.exitCode)
  }

  /** Its own process group, so that a pipeline that hangs can be ended as a whole. */
  #spawn(): ChildProcess {
    const child = spawn('/bin/sh', ['-c', this.#options.program], {
      stdio: ['pipe', 'inherit', 'inherit'],
      env: this.#options.environment,
      detached: true,
    })
    // A program that ends without reading is no error of ours (EPIPE).
    child.stdin.on('error', () => undefined)
    return child
  }

  reopen(): Promise<void> {
    return this.close()
  }

  /** End of input, then two seconds to finish. */
  async close(): Promise<void> {
    if (this.#current !== undefined) killGroup(this.#current)
    const child = this.#kept
    this.#kept = undefined
    if (child === undefined || child.exitCode !== null) return
    const timer = setTimeout(() => killGroup(child), CLOSE_GRACE_MS)
    const exited = once(child, 'exit')
    child.stdin?.end()
    await exited
    clearTimeout(timer)
  }
}

const CLOSE_GRACE_MS = 2000

const ended = (code: number | null) =>
  new Error(code === null ? 'the program was killed' : `the program ended with code ${code}`)

function killGroup(child: ChildProcess) {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return
  process.kill(-child.pid, 'SIGKILL')
}
