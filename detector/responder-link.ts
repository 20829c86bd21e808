/**
 * The detector's side of the contract: alerts go out and are kept on disk until the responder has them, a heartbeat
 * a second and with each change, orders come by a long poll, and each order is answered until the answer has arrived.
 */
import type { Alert, Amendment } from '../contract/alert.ts'
import {
  type Answer,
  type Heartbeat,
  type Orders,
  type Verdict,
  nodeHeader,
  nodeRoutes,
  ordersSchema,
  sha256Header,
} from '../contract/verdict.ts'
import {
  type EndpointOptions,
  HttpClient,
  type Response,
  checkAcknowledged,
} from './outputs/client.ts'
import type { OutputStatus } from './outputs/output.ts'
import { backoffMs } from './spool/backoff.ts'
import { Delivery, DeliveryError, pause } from './spool/delivery.ts'
import type { HandOver } from './verdicts/hand-over.ts'
import { Spool, type SpoolOptions } from './spool/spool.ts'

export interface LinkOptions {
  readonly endpoint: EndpointOptions
  readonly node: string
  /** Read for each request, so that a rotated token is taken at once. */
  readonly token: () => string
  readonly spool: SpoolOptions
  readonly random: () => number
  readonly heartbeat: () => Heartbeat
  /** Repeats of one (id, operation) get the first answer; never rejects. */
  readonly execute: (verdict: Verdict, handOver: HandOver) => Promise<Answer>
  /** Before the verdicts that came with them. */
  readonly onOrders: (orders: Pick<Orders, 'strikes' | 'killSwitch'>) => void
}

const POLL_MS = 25_000
const HEARTBEAT_MS = 1000
const TIMEOUT_MS = 10_000
/** Of one file of evidence: the responder closes what takes longer. */
const EVIDENCE_MS = 30_000
const BATCH_ALERTS = 500
const BATCH_BYTES = 1024 * 1024

export class ResponderLink {
  readonly #options: LinkOptions
  readonly #client: HttpClient
  readonly #spool: Spool
  readonly #delivery: Delivery
  readonly #stopping = new AbortController()
  readonly #executing = new Set<string>()
  readonly #loops: Promise<void>[] = []
  #wakeHeartbeat: (() => void) | undefined
  #hasChanged = false
  #heldStrikes = ''
  #problem: string | undefined
  readonly #firstOrders = Promise.withResolvers<void>()

  private constructor(options: LinkOptions, spool: Spool) {
    this.#options = options
    this.#client = new HttpClient(options.endpoint)
    this.#spool = spool
    this.#delivery = new Delivery({
      spool,
      maxRecords: BATCH_ALERTS,
      maxBytes: BATCH_BYTES,
      random: options.random,
      send: (payloads, signal) => this.#send(payloads, signal),
    })
  }

  static async open(options: LinkOptions): Promise<ResponderLink> {
    return new ResponderLink(options, await Spool.open(options.spool))
  }

  start(): void {
    this.#delivery.start()
    this.#loops.push(this.#beat(), this.#poll())
  }

  /** Resolves when the first poll has ended: the strikes are in force, or the responder did not answer. */
  get firstOrders(): Promise<void> {
    return this.#firstOrders.promise
  }

  /** False when the spool cannot take it now. */
  alert(alert: Alert): boolean {
    return this.#spool.append(Buffer.from(JSON.stringify(alert)))
  }

  /** Resolves when the alerts so far are in the spool's files (or delivered); false when the disk refused. */
  async kept(): Promise<boolean> {
    await this.#spool.flush()
    return this.#spool.problem === undefined
  }

  /** In the spool of the alerts, so that it comes after its own and is as durable. */
  amend(amendment: Amendment): void {
    this.#spool.append(Buffer.from(JSON.stringify(amendment)))
  }

  /** Something that the heartbeat tells has changed. */
  changed(): void {
    this.#hasChanged = true
    this.#wakeHeartbeat?.()
  }

  get status(): OutputStatus {
    return {
      written: this.#delivery.delivered,
      dropped: this.#spool.dropped + this.#delivery.refused,
      pending: this.#spool.pending,
      problem: this.#delivery.problem ?? this.#spool.problem ?? this.#problem,
    }
  }

  /** Alerts that do not leave within `graceMs` stay on disk for the next start. */
  async stop(graceMs: number): Promise<void> {
    await this.#delivery.stop(graceMs)
    this.#stopping.abort()
    this.#wakeHeartbeat?.()
    await Promise.all(this.#loops)
    this.#client.close()
  }

  /** Acknowledged together: an alert that is sent again, or amended again, changes nothing. */
  async #send(payloads: readonly Buffer[], signal: AbortSignal): Promise<void> {
    const alerts = payloads.filter((payload) => !isAmendment(payload))
    const amendments = payloads.filter(isAmendment)
    const post = (route: string, name: string, some: readonly Buffer[]) =>
      this.#post(route, Buffer.from(`{"${name}":[${some.map(String).join(',')}]}`), signal)
    if (alerts.length > 0) await post(nodeRoutes.alerts, 'alerts', alerts)
    if (amendments.length > 0) await post(nodeRoutes.amendments, 'amendments', amendments)
  }

  async #post(path: string, body: Buffer, signal: AbortSignal): Promise<void> {
    const headers = { ...this.#headers(), 'content-type': 'application/json' }
    const request = { method: 'POST' as const, path, headers, body, timeoutMs: TIMEOUT_MS, signal }
    checkAcknowledged(this.#options.endpoint.url, await this.#client.request(request))
  }

  #headers(): Record<string, string> {
    return { authorization: `Bearer ${this.#options.token()}`, [nodeHeader]: this.#options.node }
  }

  async #beat() {
    const { signal } = this.#stopping
    /* oxlint-disable no-await-in-loop -- one heartbeat at a time: the newest says all that the older ones did */
    while (!signal.aborted) {
      this.#hasChanged = false
      const heartbeat = Buffer.from(JSON.stringify(this.#options.heartbeat()))
      await this.#attempt(() => this.#post(nodeRoutes.heartbeat, heartbeat, signal))
      await this.#nextBeat()
    }
    /* oxlint-enable no-await-in-loop */
  }

  async #nextBeat() {
    if (this.#hasChanged || this.#stopping.signal.aborted) return
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, HEARTBEAT_MS)
      this.#wakeHeartbeat = () => {
        clearTimeout(timer)
        resolve()
      }
    })
    this.#wakeHeartbeat = undefined
  }

  async #poll() {
    const { signal } = this.#stopping
    let failures = 0
    /* oxlint-disable no-await-in-loop -- the answer to one poll says what to ask in the next */
    while (!signal.aborted) {
      const orders = await this.#attempt(() => this.#fetchOrders(signal))
      if (orders !== undefined) this.#take(orders)
      this.#firstOrders.resolve()
      if (orders === undefined) {
        await pause(backoffMs(failures++, this.#options.random), signal)
        continue
      }
      failures = 0
    }
    /* oxlint-enable no-await-in-loop */
  }

  async #fetchOrders(signal: AbortSignal): Promise<Orders> {
    const query = new URLSearchParams({ strikes: this.#heldStrikes, waitMs: String(POLL_MS) })
    const response: Response = await this.#client.request({
      method: 'GET',
      path: `${nodeRoutes.orders}?${query.toString()}`,
      headers: this.#headers(),
      timeoutMs: POLL_MS + TIMEOUT_MS,
      signal,
    })
    checkAcknowledged(this.#options.endpoint.url, response)
    return ordersSchema.parse(JSON.parse(response.text))
  }

  #take({ verdicts, strikes, killSwitch }: Orders) {
    this.#heldStrikes = strikes.generation
    this.#options.onOrders({ strikes, killSwitch })
    for (const verdict of verdicts) {
      const key = `${verdict.operation}/${verdict.id}`
      // A repeat of what is still being carried out: its answer is on its way.
      if (this.#executing.has(key)) continue
      this.#executing.add(key)
      void this.#carryOut(verdict).finally(() => this.#executing.delete(key))
    }
  }

  /** The kill switch is execute's to weigh: what was done before it was turned on is still answered as done. */
  async #carryOut(verdict: Verdict) {
    const answer = await this.#options.execute(verdict, this.#handOver)
    const body = Buffer.from(JSON.stringify(answer))
    const { signal } = this.#stopping
    /* oxlint-disable no-await-in-loop -- until it has arrived */
    for (let attempt = 0; !signal.aborted; attempt++) {
      try {
        await this.#post(nodeRoutes.answers, body, signal)
        return
      } catch (error) {
        if (error instanceof DeliveryError && !error.retryable) return
        await pause(backoffMs(attempt, this.#options.random), signal)
      }
    }
    /* oxlint-enable no-await-in-loop */
  }

  readonly #handOver: HandOver = async ({ step, name, path, bytes, sha256 }, until) => {
    const signal = AbortSignal.any([until, this.#stopping.signal])
    const { url } = this.#options.endpoint
    /* oxlint-disable no-await-in-loop -- until it has arrived */
    for (let attempt = 0; ; attempt++) {
      try {
        const response = await this.#client.request({
          method: 'POST',
          path: `${nodeRoutes.evidence}/${encodeURIComponent(step)}/${encodeURIComponent(name)}`,
          headers: {
            ...this.#headers(),
            'content-type': 'application/octet-stream',
            [sha256Header]: sha256,
          },
          body: { path, bytes },
          timeoutMs: EVIDENCE_MS,
          signal,
        })
        // 404: a responder that is older than this.
        if (response.status === 409 || response.status === 404) return 'no_store'
        if (response.status === 403) throw new DeliveryError('refused', response.text, false)
        checkAcknowledged(url, response)
        return 'kept'
      } catch (error) {
        const isFinal = error instanceof DeliveryError && !error.retryable
        if (isFinal || signal.aborted) throw error
        await pause(backoffMs(attempt, this.#options.random), signal)
      }
    }
    /* oxlint-enable no-await-in-loop */
  }

  /** Undefined when it failed; why is in the status until something succeeds. */
  async #attempt<Result>(work: () => Promise<Result>): Promise<Result | undefined> {
    try {
      const result = await work()
      this.#problem = undefined
      return result
    } catch (error) {
      this.#problem = error instanceof Error ? error.message : String(error)
      return undefined
    }
  }
}

/** By its first key: an alert begins with its id. */
const isAmendment = (payload: Buffer) => payload.indexOf('{"alertId":') === 0
