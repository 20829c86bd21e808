/** A runtime behind a CRI socket: containerd, CRI-O, k3s' containerd. */
import type { ContainerFacts } from '../../state/container.ts'
import { type Runtime, RuntimeAway } from '../runtime.ts'
import { type CriClient, ifThere, openCri } from './client.ts'
import { cniResultOf, parseInfo, sandboxIdOf } from './info.ts'
import {
  type SandboxFacts,
  containerFacts,
  pauseFacts,
  sandboxFacts,
  withoutSandbox,
} from './facts.ts'

/** From here on it is cheaper to ask what there is than whether each of them is there. */
const LIST_FROM = 8
const CALLS_AT_ONCE = 8
const MOST_SANDBOXES = 1024

interface Asking {
  readonly found: (facts: ContainerFacts) => void
  readonly signal: AbortSignal
}

interface Details {
  readonly info: unknown
  readonly cniResult: string
}

export class CriRuntime implements Runtime {
  readonly #socketPath: string
  readonly #client: CriClient
  #kind: string | undefined
  readonly #sandboxes = new Map<string, SandboxFacts>()
  readonly #detailed = new Map<string, Promise<Details>>()

  constructor(socketPath: string) {
    this.#socketPath = socketPath
    this.#client = openCri(socketPath)
  }

  get name(): string {
    return `${this.#kind ?? 'container runtime'} at ${this.#socketPath}`
  }

  async lookUp(
    ids: readonly string[],
    found: (facts: ContainerFacts) => void,
    signal: AbortSignal,
  ): Promise<void> {
    const kind = (this.#kind ??= await this.#askKind(signal))
    const there = ids.length < LIST_FROM ? ids : await this.#known(ids, signal)
    const waiting = [...there]
    const ask = async () => {
      for (let id = waiting.pop(); id !== undefined; id = waiting.pop()) {
        // oxlint-disable-next-line no-await-in-loop -- a fixed number of them run side by side
        await this.#ask(id, kind, { found, signal })
      }
    }
    await Promise.all(Array.from({ length: Math.min(CALLS_AT_ONCE, waiting.length) }, ask))
  }

  async check(signal: AbortSignal): Promise<void> {
    this.#kind = await this.#askKind(signal)
  }

  close(): void {
    this.#client.close()
  }

  async #askKind(signal: AbortSignal): Promise<string> {
    const version = await ifThere(this.#client.calls.version({}, { signal }))
    if (version === undefined) throw new RuntimeAway('it does not speak CRI v1')
    return version.runtimeName
  }

  /** Those of the ids that the runtime has, containers and sandboxes. */
  async #known(ids: readonly string[], signal: AbortSignal): Promise<string[]> {
    const { calls } = this.#client
    const [containers, sandboxes] = await Promise.all([
      ifThere(calls.listContainers({}, { signal })),
      ifThere(calls.listPodSandbox({}, { signal })),
    ])
    const there = new Set([
      ...(containers?.containers ?? []).map(({ id }) => id),
      ...(sandboxes?.items ?? []).map(({ id }) => id),
    ])
    return ids.filter((id) => there.has(id))
  }

  async #ask(id: string, kind: string, { found, signal }: Asking): Promise<void> {
    const { calls } = this.#client
    const answer = await ifThere(
      calls.containerStatus({ containerId: id, verbose: true }, { signal }),
    )
    if (answer === undefined) return this.#askPause(id, kind, { found, signal })
    const info = parseInfo(answer.info)
    const sandboxId = sandboxIdOf(info)
    const shared = sandboxId === '' ? undefined : await this.#sandbox(sandboxId, signal)
    const facts = containerFacts(answer, info, shared ?? withoutSandbox, kind)
    if (facts === undefined) return
    found(facts)
    if (shared !== undefined && !shared.isHostNetwork)
      void this.#details(sandboxId).then(({ cniResult }) => found({ ...facts, cniResult }))
  }

  async #askPause(id: string, kind: string, { found, signal }: Asking): Promise<void> {
    const shared = await this.#sandbox(id, signal)
    if (shared === undefined) return
    found(pauseFacts(shared, undefined, kind))
    void this.#details(id).then(({ cniResult, info }) =>
      found(pauseFacts({ ...shared, cniResult }, info, kind)),
    )
  }

  /** All that its containers are identified by: it does not change once the sandbox is there. */
  async #sandbox(podSandboxId: string, signal: AbortSignal): Promise<SandboxFacts | undefined> {
    const known = this.#sandboxes.get(podSandboxId)
    if (known !== undefined) return known
    const answer = await ifThere(this.#client.calls.podSandboxStatus({ podSandboxId }, { signal }))
    if (answer === undefined) return undefined
    const facts = sandboxFacts(answer)
    if (this.#sandboxes.size >= MOST_SANDBOXES) this.#sandboxes.clear()
    this.#sandboxes.set(podSandboxId, facts)
    return facts
  }

  /**
   * The verbose status asks the pod's shim, which answers after seconds while it starts many containers (2.6 s seen with
   * 20 at once, where all else took 3 ms): so it is asked once a sandbox, and no name waits for it.
   */
  async #details(podSandboxId: string): Promise<Details> {
    const known = this.#detailed.get(podSandboxId)
    if (known !== undefined) return known
    const asked = this.#askDetails(podSandboxId)
    if (this.#detailed.size >= MOST_SANDBOXES) this.#detailed.clear()
    this.#detailed.set(podSandboxId, asked)
    return asked
  }

  async #askDetails(podSandboxId: string): Promise<Details> {
    try {
      const call = this.#client.calls.podSandboxStatus({ podSandboxId, verbose: true })
      const info = parseInfo((await ifThere(call))?.info ?? {})
      return { info, cniResult: cniResultOf(info) }
    } catch (cause) {
      if (!(cause instanceof RuntimeAway)) throw cause
      this.#detailed.delete(podSandboxId)
      return { info: undefined, cniResult: '' }
    }
  }
}
