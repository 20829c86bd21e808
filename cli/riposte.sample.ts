/** For tests: the command as a process of its own, with what it wrote so far. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const command = fileURLToPath(new URL('riposte.js', import.meta.url))

export class Riposte implements AsyncDisposable {
  readonly child: ChildProcess
  stdout = ''
  stderr = ''
  readonly #exited: Promise<unknown>

  constructor(argv: readonly string[], options: { readonly uid?: number } = {}) {
    this.child = spawn(process.execPath, [command, ...argv], {
      stdio: ['ignore', 'pipe', 'pipe'],
      ...options,
    })
    this.child.stdout?.on('data', (bytes) => (this.stdout += String(bytes)))
    this.child.stderr?.on('data', (bytes) => (this.stderr += String(bytes)))
    this.#exited = once(this.child, 'close')
  }

  /** Fails with what it said when it ends before that. */
  async until(isTrue: () => boolean): Promise<void> {
    while (!isTrue()) {
      if (this.child.exitCode !== null)
        throw new Error(`it ended (${this.child.exitCode}):\n${this.stdout}\n${this.stderr}`)
      // oxlint-disable-next-line no-await-in-loop
      await new Promise((resolve) => setTimeout(resolve, 10))
    }
  }

  /** Asks it to end unless it does by itself; its exit code. */
  async end(signal?: NodeJS.Signals): Promise<number | null> {
    if (signal !== undefined) this.child.kill(signal)
    await this.#exited
    return this.child.exitCode
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.child.exitCode === null && this.child.signalCode === null) await this.end('SIGTERM')
  }
}

/** Pids of its children, as the kernel lists them. */
export function childrenOf(pid: number): number[] {
  const text = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim()
  return text === '' ? [] : text.split(' ').map(Number)
}

export const nameOf = (pid: number) => readFileSync(`/proc/${pid}/comm`, 'utf8').trim()
