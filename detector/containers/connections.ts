/** The runtimes of this node: opened when their socket appears, asked side by side, and known to be away when they are. */
import type { ContainerFacts } from '../state/container.ts'
import { type Runtime, RuntimeAway } from './runtime.ts'
import { type Candidate, isThere } from './sockets.ts'

interface Connection {
  readonly candidate: Candidate
  /** From when its socket was there first. */
  runtime: Runtime | undefined
  problem: string | undefined
}

const ANSWER_MS = 5000
const CHECK_MS = 900

export class Connections {
  readonly #connections: readonly Connection[]
  readonly #stopping = new AbortController()
  #isChecking = false

  constructor(candidates: readonly Candidate[]) {
    this.#connections = candidates.map((candidate) => ({
      candidate,
      runtime: undefined,
      problem: undefined,
    }))
  }

  /** Opens what has appeared and asks each whether it is there: once a second. */
  async check(): Promise<void> {
    if (this.#isChecking) return
    this.#isChecking = true
    try {
      await this.#each(CHECK_MS, (runtime, signal) => runtime.check(signal))
    } finally {
      this.#isChecking = false
    }
  }

  lookUp(ids: readonly string[], found: (facts: ContainerFacts) => void): Promise<void> {
    return this.#each(ANSWER_MS, (runtime, signal) => runtime.lookUp(ids, found, signal))
  }

  /** Whether nobody is left who might know a container yet. */
  get haveAllAnswered(): boolean {
    return this.#connections.every(({ problem }) => problem === undefined)
  }

  degraded(): readonly string[] {
    return this.#connections.flatMap(({ problem, runtime }) =>
      problem === undefined
        ? []
        : [`${runtime?.name ?? 'container runtime'}: ${problem}; new containers have no name`],
    )
  }

  stop(): void {
    this.#stopping.abort()
    for (const { runtime } of this.#connections) runtime?.close()
  }

  async #each(
    withinMs: number,
    work: (runtime: Runtime, signal: AbortSignal) => Promise<void>,
  ): Promise<void> {
    await Promise.all(this.#connections.map((connection) => this.#try(connection, withinMs, work)))
  }

  async #try(
    connection: Connection,
    withinMs: number,
    work: (runtime: Runtime, signal: AbortSignal) => Promise<void>,
  ): Promise<void> {
    const { candidate } = connection
    const { signal: stopping } = this.#stopping
    if (stopping.aborted) return
    if (!isThere(candidate)) {
      if (connection.runtime !== undefined) connection.problem = 'its socket is gone'
      return
    }
    const timeout = AbortSignal.timeout(withinMs)
    try {
      connection.runtime ??= await candidate.open()
      await work(connection.runtime, AbortSignal.any([stopping, timeout]))
      connection.problem = undefined
    } catch (cause) {
      if (!(cause instanceof RuntimeAway)) throw cause
      if (stopping.aborted) return
      connection.problem = timeout.aborted ? `no answer in ${withinMs} ms` : cause.message
    }
  }
}
