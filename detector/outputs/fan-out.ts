/** Every alert to every output that is enabled: printed once, and what an output drops is told by the others. */
import { priorities } from '../../contract/alert.ts'
import type { InternalNotice } from '../alerts/internal.ts'
import type { JudgedAlert } from '../alerts/judged.ts'
import { type LineFormat, printLine } from '../alerts/line.ts'
import { outputKinds } from './index.ts'
import type { Output, OutputContext, OutputStatus } from './output.ts'

export class FanOut {
  readonly #outputs: readonly Output[]
  readonly #format: LineFormat
  /** What was dropped when it was last told, by output. */
  readonly #told = new Map<string, number>()

  private constructor(outputs: readonly Output[], format: LineFormat) {
    this.#outputs = outputs
    this.#format = format
  }

  static async open(context: OutputContext, format: LineFormat): Promise<FanOut> {
    const enabled = outputKinds.filter((kind) => kind.isEnabled(context.config))
    return new FanOut(await Promise.all(enabled.map(async (kind) => kind.open(context))), format)
  }

  write(judged: JudgedAlert): void {
    const text = printLine(judged, this.#format)
    const line = { text, severity: priorities.indexOf(judged.alert.priority) }
    for (const output of this.#outputs) output.write(line)
  }

  reopen(): void {
    for (const output of this.#outputs) output.reopen()
  }

  async stop(graceMs: number): Promise<void> {
    await Promise.all(this.#outputs.map((output) => output.stop(graceMs)))
  }

  get statuses(): ReadonlyMap<string, OutputStatus> {
    return new Map(this.#outputs.map((output) => [output.name, output.status]))
  }

  /** What was dropped since the last call, as an alert of our own; undefined when nothing was. */
  newDrops(timeNs: bigint): InternalNotice | undefined {
    const fields = new Map<string, number>()
    for (const { name, status } of this.#outputs) {
      const lost = status.dropped - (this.#told.get(name) ?? 0)
      if (lost > 0) fields.set(`n_drops_${name}`, lost)
      this.#told.set(name, status.dropped)
    }
    const total = [...fields.values()].reduce((sum, count) => sum + count, 0)
    if (total === 0) return undefined
    const rule = 'Falco internal: outputs queue drop'
    return {
      rule,
      priority: 'Warning',
      message: `${rule}. ${total} alerts dropped in last second.`,
      fields,
      timeNs,
    }
  }
}
