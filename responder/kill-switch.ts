/** The kill switch: a file that anybody with a shell can touch, or a flag in the ledger that all replicas see. */
import { existsSync } from 'node:fs'
import { KillSwitchOn } from './run-endings.ts'
import type { Ledger } from './ledger/open.ts'
import { killSwitchReason } from './ledger/switches.ts'

/** Well within the second that it is promised to stop everything in. */
const pollMs = 200

export class KillSwitch {
  readonly #ledger: Ledger
  readonly #file: string
  readonly #onTurn: (reason: string | null) => void
  #reason: string | null = null
  #controller = new AbortController()
  #timer: NodeJS.Timeout | undefined

  constructor(ledger: Ledger, file: string, onTurn: (reason: string | null) => void) {
    this.#ledger = ledger
    this.#file = file
    this.#onTurn = onTurn
  }

  async start(): Promise<void> {
    await this.look()
    this.#timer = setInterval(() => {
      // A ledger that does not answer shows as degraded elsewhere; no step passes its gates without it.
      this.look().catch(() => undefined)
    }, pollMs)
  }

  /** The file's word only, at once: what the gates ask in their transaction beside the ledger's flag. */
  fileReason(): string | null {
    return existsSync(this.#file) ? `${this.#file} exists` : null
  }

  reason(): string | null {
    return this.#reason
  }

  /** Aborted when the switch is on or a later look finds it on, with why. One that was off is asked by the gates. */
  async signal(): Promise<AbortSignal> {
    if (this.#reason !== null) await this.look()
    return this.#controller.signal
  }

  async look(): Promise<void> {
    const reason = this.fileReason() ?? (await killSwitchReason(this.#ledger))
    if (reason === this.#reason) return
    const wasOn = this.#reason !== null
    this.#reason = reason
    if (reason !== null && !wasOn) this.#controller.abort(new KillSwitchOn(reason))
    if (reason === null) this.#controller = new AbortController()
    this.#onTurn(reason)
  }

  stop(): void {
    clearInterval(this.#timer)
  }
}
