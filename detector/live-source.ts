/** This host's kernel as a source: hooks for what the rules want, changed without a gap when the rules change. */
import type { EventView } from './events/view.ts'
import type { BpfObject } from './native.ts'
import type { EventSource } from './source.ts'
import type { KernelScope } from './sources/attach.ts'
import { type KernelSource, startKernel } from './sources/kernel.ts'

export interface LiveOptions {
  readonly nowNs: () => bigint
  /** The programs and maps of each new set of hooks, before it delivers: for the kernel's judge. */
  readonly onAttached: (object: BpfObject) => void
  readonly scope: KernelScope
}

/** The new hooks see what the old ones still delivered; from this long before the change nothing is left out. */
const OVERLAP_NS = 1_000_000n

export class LiveSource implements EventSource {
  readonly #options: LiveOptions
  #kernel: KernelSource | undefined
  #attached: ReadonlySet<string> = new Set()
  #onRecord: (view: EventView) => void = () => undefined
  #isScanned = true
  /** Losses of hooks that have been taken off. */
  readonly #lostBefore = new Map<string, number>()

  constructor(options: LiveOptions) {
    this.#options = options
  }

  start(wanted: ReadonlySet<string>, onRecord: (view: EventView) => void): Promise<void> {
    this.#onRecord = onRecord
    this.#kernel = this.#attach(wanted, 0n)
    this.#isScanned = this.#kernel.isScanned
    this.#kernel.drain()
    return Promise.resolve()
  }

  want(wanted: ReadonlySet<string>): void {
    if ([...wanted].every((name) => this.#attached.has(name))) return
    const before = this.#kernel
    const since = this.#options.nowNs() - OVERLAP_NS
    const after = this.#attach(wanted, since)
    before?.close()
    for (const [name, count] of Object.entries(before?.lost ?? {}))
      this.#lostBefore.set(name, (this.#lostBefore.get(name) ?? 0) + count)
    this.#kernel = after
  }

  lost(): Readonly<Record<string, number>> {
    const now = Object.entries(this.#kernel?.lost ?? {})
    return Object.fromEntries(
      now.map(([name, count]) => [name, count + (this.#lostBefore.get(name) ?? 0)]),
    )
  }

  degraded(): readonly string[] {
    if (this.#kernel === undefined) return []
    return [
      ...this.#kernel.degraded,
      ...(this.#isScanned ? [] : ['the kernel could not tell which processes run: asked of /proc']),
    ]
  }

  stop(): Promise<void> {
    this.#kernel?.close()
    return Promise.resolve()
  }

  #attach(wanted: ReadonlySet<string>, since: bigint): KernelSource {
    this.#attached = wanted
    const kernel = startKernel({
      events: [...wanted],
      scope: this.#options.scope,
      onEvent: (view) => {
        if (view.timeNs >= since) this.#onRecord(view)
      },
      isScanWanted: since === 0n,
      // Counted in `lost`, which is looked at each second.
      onLost: () => undefined,
    })
    this.#options.onAttached(kernel.object)
    return kernel
  }
}
