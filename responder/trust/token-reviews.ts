/** The API server's word on detectors' tokens, remembered for a while so that it is not asked for each request. */
import { createHash } from 'node:crypto'
import { Refused } from '../http/reply.ts'
import { Patience } from './patience.ts'
import { callerOf, endOfToken, type Accounts } from './token-claims.ts'
import type { NodeCaller } from './trust.ts'

export interface ReviewParts {
  readonly accounts: Accounts
  /** One TokenReview: the object as the API server answers it. */
  readonly review: (token: string) => Promise<unknown>
  readonly nowMs: () => number
}

interface Known {
  readonly caller: NodeCaller
  readonly reviewedMs: number
  readonly endsMs: number
}

interface Refusal {
  readonly refused: Refused
  readonly untilMs: number
}

/** How long the API server's yes holds: a pod that is deleted loses its token that much later. */
const keepMs = 60_000
/** And when it cannot be asked: an outage of it must not stop the responses on nodes. */
const keepWhileAwayMs = 600_000
const keepRefusalMs = 5000
/** Tokens that nobody has seen; what is known is asked about again beside them, so that a flood locks nobody out. */
const newReviewsPerSecond = 50
const mostKept = 20_000

export class TokenReviews {
  readonly #parts: ReviewParts
  readonly #known = new Map<string, Known>()
  readonly #refusals = new Map<string, Refusal>()
  readonly #running = new Map<string, Promise<{ answer: unknown } | undefined>>()
  readonly #patience: Patience
  #second = 0
  #reviewsInSecond = 0

  constructor(parts: ReviewParts) {
    this.#parts = parts
    this.#patience = new Patience(parts.nowMs)
  }

  /** Throws Refused: 401 or 403 when the token is none of a detector, 503 when the API server cannot be asked. */
  async callerOf(token: string): Promise<NodeCaller> {
    const { accounts, nowMs } = this.#parts
    // Kept by its hash: a dump of this memory holds no token.
    const key = createHash('sha256').update(token).digest('hex')
    const now = nowMs()
    const endsMs = endOfToken(token, accounts, now)
    const known = this.#known.get(key)
    if (known !== undefined && now - known.reviewedMs < keepMs) return known.caller
    const refusal = this.#refusals.get(key)
    if (refusal !== undefined && now < refusal.untilMs) throw refusal.refused
    if (known === undefined) this.#countNew(now, key)
    const reviewed = await this.#reviewOnce(key, token)
    if (reviewed === undefined) return this.#whileAway(known)
    try {
      const caller = callerOf(reviewed.answer, accounts)
      keep(this.#known, key, { caller, reviewedMs: now, endsMs })
      return caller
    } catch (error) {
      this.#known.delete(key)
      if (error instanceof Refused)
        keep(this.#refusals, key, { refused: error, untilMs: now + keepRefusalMs })
      throw error
    }
  }

  degraded(): readonly string[] {
    const why = this.#patience.why()
    return why === null
      ? []
      : [
          `the API server reviews no node tokens (${why}): nodes stay trusted for 10 minutes after their last review, new ones are not`,
        ]
  }

  #whileAway(known: Known | undefined): NodeCaller {
    if (known !== undefined && this.#parts.nowMs() - known.reviewedMs < keepWhileAwayMs)
      return known.caller
    throw new Refused(
      503,
      'review_unavailable',
      `the API server cannot say whose token this is: ${this.#patience.why() ?? 'unknown'}`,
    )
  }

  #reviewOnce(key: string, token: string): Promise<{ answer: unknown } | undefined> {
    const running = this.#running.get(key)
    if (running !== undefined) return running
    const started = this.#patience
      .ask(() => this.#parts.review(token))
      .finally(() => this.#running.delete(key))
    this.#running.set(key, started)
    return started
  }

  #countNew(now: number, key: string): void {
    if (this.#running.has(key)) return
    const second = Math.floor(now / 1000)
    if (second !== this.#second) {
      this.#second = second
      this.#reviewsInSecond = 0
    }
    if (++this.#reviewsInSecond > newReviewsPerSecond)
      throw new Refused(503, 'reviews_busy', 'too many unknown tokens at once: try again')
  }
}

/** The one that was put in first goes, when there are too many. */
function keep<Value>(map: Map<string, Value>, key: string, value: Value): void {
  map.delete(key)
  map.set(key, value)
  const [oldest] = map.keys()
  if (map.size > mostKept && oldest !== undefined) map.delete(oldest)
}
