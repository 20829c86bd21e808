/** A process that is there to be acted on: a copy of a program under a name of its own, ended with the test. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { copyFile, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { eventually } from './eventually.ts'

export class Victim implements AsyncDisposable {
  readonly #child: ChildProcess
  readonly ended: Promise<unknown>
  #printed = ''

  private constructor(child: ChildProcess) {
    this.#child = child
    this.ended = once(child, 'close')
    child.stdout?.setEncoding('utf8').on('data', (text: string) => (this.#printed += text))
  }

  /** Copies `program` to `directory/name`, so that no other test's alerts can be taken for this one's, and runs it. */
  static async start(
    directory: string,
    name: string,
    program: string,
    args: readonly string[],
  ): Promise<Victim> {
    const path = join(directory, name)
    await copyFile(program, path)
    return new Victim(spawn(path, args, { stdio: ['ignore', 'pipe', 'ignore'] }))
  }

  get signal(): NodeJS.Signals | null {
    return this.#child.signalCode
  }

  get printed(): string {
    return this.#printed
  }

  /** The state letter of /proc/PID/status: S sleeping, T stopped, … */
  async state(): Promise<string | undefined> {
    const status = await readFile(`/proc/${this.#child.pid}/status`, 'utf8')
    return /State:\s+(\w)/.exec(status)?.[1]
  }

  untilState = (letter: string) =>
    eventually(
      () => this.state(),
      (found) => found === letter,
    )

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill('SIGKILL')
    await this.ended
  }
}
