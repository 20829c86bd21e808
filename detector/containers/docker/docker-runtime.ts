/** Docker and podman outside Kubernetes, over the HTTP of their unix sockets. */
import type { ContainerFacts } from '../../state/container.ts'
import { type Runtime, RuntimeAway } from '../runtime.ts'
import { type ImageInspection, dockerFacts, imageSchema, inspectionSchema } from './facts.ts'
import { getJson } from './unix-http.ts'

export class DockerRuntime implements Runtime {
  readonly #kind: 'docker' | 'podman'
  readonly #socketPath: string

  constructor(kind: 'docker' | 'podman', socketPath: string) {
    this.#kind = kind
    this.#socketPath = socketPath
  }

  get name(): string {
    return `${this.#kind} at ${this.#socketPath}`
  }

  async lookUp(
    ids: readonly string[],
    found: (facts: ContainerFacts) => void,
    signal: AbortSignal,
  ): Promise<void> {
    for (const id of ids) {
      // oxlint-disable-next-line no-await-in-loop -- one connection is enough for what a person starts
      const facts = await this.#facts(id, signal)
      if (facts !== undefined) found(facts)
    }
  }

  async check(signal: AbortSignal): Promise<void> {
    await getJson(this.#socketPath, '/version', signal)
  }

  close(): void {
    // Each request has a connection of its own.
  }

  async #facts(id: string, signal: AbortSignal): Promise<ContainerFacts | undefined> {
    const answer = await getJson(this.#socketPath, `/containers/${id}/json`, signal)
    if (answer === undefined) return undefined
    const { data, error } = inspectionSchema.safeParse(answer)
    if (data === undefined) throw new RuntimeAway('its answer has another form', { cause: error })
    return dockerFacts(data, await this.#image(data.Image, signal), this.#kind)
  }

  async #image(id: string, signal: AbortSignal): Promise<ImageInspection | undefined> {
    if (id === '') return undefined
    const path = `/images/${encodeURIComponent(id)}/json`
    return imageSchema.safeParse(await getJson(this.#socketPath, path, signal)).data
  }
}
