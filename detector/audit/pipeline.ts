/** Audit records are judged in order, and become alerts that somebody keeps before the sender is told that all is well. */
import type { JudgedAlert } from '../alerts/judged.ts'
import type { LoadedRule } from '../engine/load/compile-rules.ts'
import type { AuditEvent } from '../events/audit-event.ts'
import type { RulesInForce } from '../rules-in-force.ts'
import type { AuditRecord, ParsedAudit } from './parse.ts'
import { RecentIds } from './recent.ts'

export interface AuditPipelineOptions {
  readonly rules: RulesInForce<AuditEvent>
  readonly hostname: string
  /** False when the alert cannot be kept. */
  readonly emit: (judged: JudgedAlert) => boolean
  /** Resolves once all that was emitted is on disk, or false. */
  readonly kept: () => Promise<boolean>
  readonly onRefused: (reason: string) => void
}

/** What one API server can send again within its backoff, by far. */
const MAX_RECENT = 65_536

export class AuditPipeline {
  readonly #options: AuditPipelineOptions
  readonly #recent = new RecentIds(MAX_RECENT)
  #rules: RulesInForce<AuditEvent>
  #firstTimeNs: bigint | undefined
  /** By rule name, so that a reload does not begin again at zero. */
  readonly matches = new Map<string, number>()
  judged = 0
  refused = 0
  /** Alerts that had been told before. */
  repeated = 0

  constructor(options: AuditPipelineOptions) {
    this.#options = options
    this.#rules = options.rules
  }

  get rules(): RulesInForce<AuditEvent> {
    return this.#rules
  }

  swap(rules: RulesInForce<AuditEvent>): void {
    this.#rules = rules
  }

  /** False: not all of its alerts are kept, so send it again. */
  async take({ records, refused }: ParsedAudit): Promise<boolean> {
    this.refused += refused.length
    for (const reason of refused) this.#options.onRefused(reason)
    const fresh = records.flatMap((record) => this.#judge(record)).filter((one) => this.#isNew(one))
    const isAccepted = fresh.map((one) => this.#options.emit(one)).every(Boolean)
    const isKept = (await this.#options.kept()) && isAccepted
    if (!isKept) for (const { alert } of fresh) this.#recent.forget(alert.id)
    return isKept
  }

  #isNew({ alert }: JudgedAlert): boolean {
    const isNew = this.#recent.add(alert.id)
    if (isNew) this.matches.set(alert.rule, (this.matches.get(alert.rule) ?? 0) + 1)
    else this.repeated++
    return isNew
  }

  #judge({ document, timeNs }: AuditRecord): readonly JudgedAlert[] {
    const { hostname } = this.#options
    const number = ++this.judged
    const firstTimeNs = (this.#firstTimeNs ??= timeNs)
    const event: AuditEvent = { id: 0, document, timeNs, firstTimeNs, number, hostname }
    const { ruleset, makers } = this.#rules
    const matched: LoadedRule[] = []
    ruleset.evaluate(event, (rule) => matched.push(rule))
    return matched.flatMap((rule) => makers.get(rule)?.(event) ?? [])
  }
}
