/** Alerts that went out before their container was known: what has been learnt since follows them to the responder. */
import type { Alert, Amendment } from '../../contract/alert.ts'
import type { JudgedAlert } from '../alerts/judged.ts'
import { readContainerField } from '../fields/container-text.ts'
import { type Container, placeIn } from '../state/container.ts'

export interface AmendmentOptions {
  /** Containers of which more may come. */
  readonly pending: () => Iterable<Container>
  readonly send: (amendment: Amendment) => void
}

interface Pending {
  readonly alertId: Alert['id']
  readonly node: string
  readonly cgroupId: bigint
  readonly missing: readonly string[]
}

/** Alerts that are waited with; beyond it the oldest stay pending for ever, which no action may follow. */
const LIMIT = 10_000

export class Amendments {
  readonly #options: AmendmentOptions
  readonly #byContainer = new Map<Container, Pending[]>()
  #size = 0
  readonly counts = { dropped: 0 }

  constructor(options: AmendmentOptions) {
    this.#options = options
  }

  note({ alert, fields }: JudgedAlert): void {
    const { place } = alert
    if (place?.isPending !== true) return
    const container = this.#named(place.containerId)
    if (container === undefined) return
    const missing = [...fields].filter(([, value]) => value === null).map(([name]) => name)
    const pending = {
      alertId: alert.id,
      node: alert.node,
      cgroupId: BigInt(place.cgroupId),
      missing,
    }
    const known = this.#byContainer.get(container)
    if (known === undefined) this.#byContainer.set(container, [pending])
    else known.push(pending)
    if (++this.#size > LIMIT) this.#dropOldest()
  }

  /** `wrong`: ids of alerts whose rules do not hold with what is known now. */
  settle(container: Container, wrong: ReadonlySet<string>): void {
    const waiting = this.#byContainer.get(container)
    if (waiting === undefined) return
    this.#byContainer.delete(container)
    this.#size -= waiting.length
    for (const { alertId, node, cgroupId, missing } of waiting) {
      const read = missing.flatMap((name) => {
        const value = readContainerField(name, container)
        return value === undefined ? [] : [[name, value] as const]
      })
      const outputFields = Object.fromEntries(read)
      const place = placeIn(container, cgroupId)
      this.#options.send({
        alertId,
        node,
        place,
        outputFields,
        isRetracted: wrong.has(alertId),
      })
    }
  }

  #named(id: string | null): Container | undefined {
    for (const container of this.#options.pending()) if (container.id === id) return container
    return undefined
  }

  #dropOldest(): void {
    const [entry] = this.#byContainer
    if (entry === undefined) return
    const [container, waiting] = entry
    this.#byContainer.delete(container)
    this.#size -= waiting.length
    this.counts.dropped += waiting.length
  }
}
