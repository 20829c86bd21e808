/**
 * Pages: the channels of a policy are told that people are asked. What is still to be told stands in the approval's row,
 * so that a crash loses no page; a channel may be told twice, under the same delivery id.
 */
import type { Message, Notify } from './actions/action.ts'
import type { Approval } from './approval.ts'
import { messageOf } from './errors.ts'
import { findAlert } from './ledger/alerts.ts'
import type { Ledger } from './ledger/open.ts'
import { findStep } from './ledger/steps.ts'
import { findApproval, setTold, untoldApprovals } from './ledger/votes.ts'

interface PageParts {
  readonly ledger: Ledger
  readonly notify: Notify
  readonly linkOf: (caseId: string) => string | null
  readonly log: (message: string) => void
}

/** Between two tries of one approval's page; the last one is repeated until it is decided. */
const pausesMs = [2000, 5000, 15_000, 60_000]

export class Pages implements AsyncDisposable {
  readonly #parts: PageParts
  /** By approval: channels that have it, tries, and when to try again. It ends with the page. */
  readonly #trying = new Map<string, { told: Set<string>; tries: number; nextMs: number }>()
  #telling: Promise<void> | undefined

  constructor(parts: PageParts) {
    this.#parts = parts
  }

  /** Everybody who is still to be told; never rejects because a channel fails. */
  tell(): Promise<void> {
    this.#telling ??= this.#tellAll().finally(() => (this.#telling = undefined))
    return this.#telling
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.allSettled([this.#telling])
  }

  async #tellAll(): Promise<void> {
    const ids = await untoldApprovals(this.#parts.ledger)
    for (const id of this.#trying.keys()) if (!ids.includes(id)) this.#trying.delete(id)
    await Promise.all(ids.map((id) => this.#tellOne(id)))
  }

  async #tellOne(id: string): Promise<void> {
    const { ledger, log } = this.#parts
    const trying = this.#trying.get(id) ?? { told: new Set<string>(), tries: 0, nextMs: 0 }
    if (performance.now() < trying.nextMs) return
    this.#trying.set(id, trying)
    const approval = await findApproval(ledger, id)
    if (approval === null) return
    const left = approval.terms.channels.filter((channel) => !trying.told.has(channel))
    const message = await this.#messageOf(approval)
    const results = await Promise.allSettled(
      left.map((channel) => this.#parts.notify(channel, message, `${id}/${channel}`)),
    )
    for (const [index, result] of results.entries()) {
      const channel = left[index] ?? ''
      if (result.status === 'fulfilled') trying.told.add(channel)
      else log(`${channel} could not be told of approval ${id}: ${messageOf(result.reason)}`)
    }
    const isTold = results.every(({ status }) => status === 'fulfilled')
    if (isTold) await ledger.write((writing) => setTold(writing, id))
    else trying.nextMs = performance.now() + (pausesMs[trying.tries++] ?? 60_000)
  }

  async #messageOf(approval: Approval): Promise<Message> {
    const { ledger, linkOf } = this.#parts
    const step = await findStep(ledger, approval.stepId)
    const alert = await findAlert(ledger, step?.alertId ?? '')
    return {
      title: `Approval asked: ${approval.action}`,
      text: `${approval.detail}\npolicy ${approval.policy}; riposte approvals approve ${approval.id}\n${alert.output}`,
      severity: alert.priority,
      caseId: approval.caseId,
      alert,
      link: linkOf(approval.caseId),
    }
  }
}
