/** A runtime behind a CRI socket: containerd, CRI-O, k3s' containerd. */
import type { ContainerFacts } from '../../state/container.ts'
import { type Runtime, RuntimeAway } from '../runtime.ts'
import { type CriClient, ifThere, openCri } from './client.ts'
import { parseInfo, sandboxIdOf } from './info.ts'
import { containerFacts, pauseFacts, sandboxFacts, withoutSandbox } from './facts.ts'

/** From here on it is cheaper to ask what there is than whether each of them is there. */
const LIST_FROM = 8
const CALLS_AT_ONCE = 8

export class CriRuntime implements Runtime {
  readonly #socketPath: string
  readonly #client: CriClient
  #kind: string | undefined

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
        const facts = await this.#facts(id, kind, signal)
        if (facts !== undefined) found(facts)
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

  async #facts(id: string, kind: string, signal: AbortSignal): Promise<ContainerFacts | undefined> {
    const { calls } = this.#client
    const answer = await ifThere(
      calls.containerStatus({ containerId: id, verbose: true }, { signal }),
    )
    if (answer === undefined) return this.#pause(id, kind, signal)
    const info = parseInfo(answer.info)
    const sandboxId = sandboxIdOf(info)
    const sandbox = sandboxId === '' ? undefined : await this.#sandbox(sandboxId, signal)
    return containerFacts(answer, info, sandbox ? sandboxFacts(sandbox) : withoutSandbox, kind)
  }

  async #pause(id: string, kind: string, signal: AbortSignal): Promise<ContainerFacts | undefined> {
    const answer = await this.#sandbox(id, signal)
    return answer && pauseFacts(answer, sandboxFacts(answer), kind)
  }

  #sandbox(podSandboxId: string, signal: AbortSignal) {
    return ifThere(this.#client.calls.podSandboxStatus({ podSandboxId, verbose: true }, { signal }))
  }
}
