/** The containers of this node by whole id, the least recently met forgotten first. */
import type { Container } from './container.ts'
import type { ContainerIdentity } from './containers.ts'

/** More than the 110 pods that a node runs by default have, many times over. */
const LIMIT = 8192

export class ContainerTable {
  readonly #byId = new Map<string, Container>()
  readonly #pending = new Set<Container>()
  /** Told of each new container; without one nobody would ever know more, so none is pending. */
  onNew: ((container: Container) => void) | undefined

  /** Undefined on the host. */
  enter({ id, fullId, podUid }: ContainerIdentity): Container | undefined {
    if (fullId === '') return undefined
    const known = this.#byId.get(fullId)
    if (known !== undefined) {
      this.#byId.delete(fullId)
      this.#byId.set(fullId, known)
      return known
    }
    // Only ids are known to runtimes; an lxc or bpm name is all there is.
    const isPending = this.onNew !== undefined && fullId.length === ID_LENGTH
    const container = newContainer(id, fullId, podUid, isPending)
    this.#byId.set(fullId, container)
    if (this.#byId.size > LIMIT) this.#forgetOldest()
    if (isPending) {
      this.#pending.add(container)
      this.onNew?.(container)
    }
    return container
  }

  /** All that will be known of it is. */
  settle(container: Container): void {
    container.isPending = false
    this.#pending.delete(container)
  }

  get pending(): ReadonlySet<Container> {
    return this.#pending
  }

  get size(): number {
    return this.#byId.size
  }

  [Symbol.iterator](): IterableIterator<Container> {
    return this.#byId.values()
  }

  forget(container: Container): void {
    this.#byId.delete(container.fullId)
    this.#pending.delete(container)
  }

  #forgetOldest(): void {
    const [oldest] = this.#byId.values()
    if (oldest !== undefined) this.forget(oldest)
  }
}

/** Hex digits of a container id. */
const ID_LENGTH = 64

const newContainer = (
  id: string,
  fullId: string,
  podUid: string | undefined,
  isPending: boolean,
): Container => ({
  id,
  fullId,
  podUid,
  facts: undefined,
  pod: undefined,
  probes: [],
  isPending,
})
