/** A component of the cluster: a child with a log, in its control group, network and mounts. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { openSync, closeSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'

const launcher = join(import.meta.dirname, 'launch.sh')
const pollMs = 25

export interface Place {
  readonly cgroup: string
  readonly netns: string
  /** See launch.sh; the host's where left out. */
  readonly mounts?: string
  /** Where logs are kept: <name>.log. */
  readonly logs: string
}

export class Daemon {
  readonly name: string
  readonly logFile: string
  readonly #child: ChildProcess

  constructor(name: string, file: string, args: readonly string[], place: Place) {
    this.name = name
    this.logFile = join(place.logs, `${name}.log`)
    const log = openSync(this.logFile, 'a')
    this.#child = spawn(
      'sh',
      [launcher, place.cgroup, place.netns, place.mounts ?? '-', file, ...args],
      // In a session of its own: Ctrl-C is for us alone.
      { stdio: ['ignore', log, log], detached: true },
    )
    closeSync(log)
    // The test runner is not to wait for it.
    this.#child.unref()
  }

  get pid(): number {
    return this.#child.pid ?? 0
  }

  get isRunning(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null
  }

  /** Asks until the answer is yes; throws the end of its log when it died or took too long. */
  async until(what: string, ask: () => Promise<boolean>, patienceMs = 120_000): Promise<void> {
    const deadline = performance.now() + patienceMs
    while (!(await ask())) {
      if (!this.isRunning) throw new Error(`${this.name} ended: ${await this.#lastWords()}`)
      if (performance.now() > deadline)
        throw new Error(`${this.name}: not ${what} in ${patienceMs} ms: ${await this.#lastWords()}`)
      await new Promise((resume) => setTimeout(resume, pollMs))
    }
  }

  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    if (!this.isRunning) return
    const ended = once(this.#child, 'exit')
    this.#child.ref()
    this.#child.kill(signal)
    await ended
  }

  async #lastWords(): Promise<string> {
    const log = await readFile(this.logFile, 'utf8')
    return log.trimEnd().split('\n').slice(-8).join('\n')
  }
}

/** `--name=value` for each. */
export const flags = (values: Readonly<Record<string, string>>): string[] =>
  Object.entries(values).map(([name, value]) => `--${name}=${value}`)
