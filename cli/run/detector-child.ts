/** The detector as a process of its own beside the responder: started, watched, started again (docs/decisions). */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { childMark } from '../stop-signal.ts'

export interface ChildOptions {
  /** Arguments of `riposte detect`. */
  readonly argv: readonly string[]
  readonly say: (line: string) => void
}

const command = fileURLToPath(new URL('../riposte.js', import.meta.url))
/** Figures G: a small young generation costs nothing here and saves 13 MB. */
const nodeFlags = ['--max-semi-space-size=2', '--max-old-space-size=128']
const STOP_WITHIN_MS = 8000
const RESTART_MS = 1000
const MAX_RESTART_MS = 30_000

export class DetectorChild {
  readonly #options: ChildOptions
  #child: ChildProcess | undefined
  #isStopping = false
  #watching: Promise<void> = Promise.resolve()

  constructor(options: ChildOptions) {
    this.#options = options
  }

  /** Resolves once events are judged; rejects when the detector ends before that, having said why on stderr. */
  async start(): Promise<void> {
    const child = this.#spawn()
    await readiness(child)
    this.#watching = this.#watch(child)
  }

  /** SIGHUP, SIGUSR1 */
  signal(signal: NodeJS.Signals): void {
    this.#child?.kill(signal)
  }

  async stop(): Promise<void> {
    this.#isStopping = true
    const child = this.#child
    if (child !== undefined && isAlive(child)) {
      const timer = setTimeout(() => child.kill('SIGKILL'), STOP_WITHIN_MS)
      const exited = once(child, 'exit')
      child.kill('SIGTERM')
      await exited
      clearTimeout(timer)
    }
    await this.#watching
  }

  /** Its own session: a terminal's Ctrl-C reaches us, and we stop it in order. Its end with ours is the channel's. */
  #spawn(): ChildProcess {
    const child = spawn(
      process.execPath,
      [...nodeFlags, command, 'detect', ...this.#options.argv],
      {
        stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
        detached: true,
        env: { ...process.env, [childMark]: '1' },
      },
    )
    this.#child = child
    return child
  }

  async #watch(first: ChildProcess) {
    let child = first
    let delayMs = RESTART_MS
    /* oxlint-disable no-await-in-loop -- one life after the other */
    for (;;) {
      if (isAlive(child)) await once(child, 'exit')
      if (this.#isStopping) return
      const how = child.signalCode ?? `code ${child.exitCode}`
      this.#options.say(`the detector ended (${how}); starting it again in ${delayMs / 1000} s`)
      await sleep(delayMs)
      if (this.#isStopping) return
      delayMs = Math.min(delayMs * 2, MAX_RESTART_MS)
      child = this.#spawn()
      const isReady = await readiness(child).then(
        () => true,
        () => false,
      )
      if (isReady) {
        delayMs = RESTART_MS
        this.#options.say('the detector judges events again')
      }
    }
    /* oxlint-enable no-await-in-loop */
  }
}

const isAlive = (child: ChildProcess) => child.exitCode === null && child.signalCode === null

async function readiness(child: ChildProcess): Promise<void> {
  const ready = once(child, 'message')
  const ended = once(child, 'exit').then(() => {
    throw new Error('the detector ended before it was ready')
  })
  await Promise.race([ready, ended])
  ended.catch(() => undefined)
}
