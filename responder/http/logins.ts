/**
 * Who is at the web page: one-time codes from `riposte login`, and the sessions that they open. In the ledger, so that
 * every responder knows them, by the hashes of their tokens alone: a stolen database opens nothing.
 */
import { randomBytes } from 'node:crypto'
import type { Ledger } from '../ledger/open.ts'
import type { LoginRow } from '../ledger/tables.ts'
import { secretHash } from './secret-file.ts'

export interface Person {
  /** What the audit writes down. */
  readonly name: string
  readonly via: 'socket' | 'session' | 'token'
}

const codeLifeMs = 5 * 60_000
const sessionLifeMs = 12 * 3_600_000
const idleLifeMs = 3_600_000
const rotateAfterMs = 15 * 60_000
/** Requests that were under way when the token rotated still carry the old one. */
const oldTokenGraceMs = 30_000
/** A page asks each second or two: that it is in use is not written more often. */
const noteUseMs = 60_000

const drawToken = () => randomBytes(32).toString('base64url')

export interface SessionUse {
  readonly person: Person
  /** A new token for the cookie, when it was time. */
  readonly rotated: string | null
}

export class Logins {
  readonly #ledger: Pick<Ledger, 'rows' | 'clock'>

  constructor(ledger: Pick<Ledger, 'rows' | 'clock'>) {
    this.#ledger = ledger
  }

  /** A code that opens one session for `name`, within five minutes. */
  async issueCode(name: string): Promise<string> {
    const nowMs = this.#nowMs()
    await this.#ledger.rows.deleteFrom('logins').where('ends_ms', '<=', nowMs).execute()
    const endsMs = nowMs + codeLifeMs
    return this.#keep({ kind: 'code', name, ends_ms: endsMs, idle_ms: endsMs, rotate_ms: null })
  }

  /** The session's token, or null when the code was never given, is used up or too old. */
  async redeem(code: string): Promise<string | null> {
    const issued = await this.#ledger.rows
      .deleteFrom('logins')
      .where('hash', '=', secretHash(code))
      .where('kind', '=', 'code')
      .where('ends_ms', '>', this.#nowMs())
      .returning('name')
      .executeTakeFirst()
    return issued === undefined ? null : this.#open(issued.name, this.#nowMs() + sessionLifeMs)
  }

  async use(token: string): Promise<SessionUse | null> {
    const nowMs = this.#nowMs()
    const hash = secretHash(token)
    const session = await this.#ledger.rows
      .selectFrom('logins')
      .selectAll()
      .where('hash', '=', hash)
      .where('kind', '=', 'session')
      .where('ends_ms', '>', nowMs)
      .where('idle_ms', '>', nowMs)
      .executeTakeFirst()
    if (session === undefined) return null
    const { name, ends_ms: endsMs, rotate_ms: rotateMs } = session
    const person: Person = { name, via: 'session' }
    const isDue = rotateMs !== null && rotateMs <= nowMs
    if (isDue && (await this.#retire(hash, nowMs)))
      return { person, rotated: await this.#open(name, endsMs) }
    if (rotateMs !== null && session.idle_ms < nowMs + idleLifeMs - noteUseMs)
      await this.#ledger.rows
        .updateTable('logins')
        .set({ idle_ms: nowMs + idleLifeMs })
        .where('hash', '=', hash)
        .execute()
    return { person, rotated: null }
  }

  async close(token: string): Promise<void> {
    await this.#ledger.rows.deleteFrom('logins').where('hash', '=', secretHash(token)).execute()
  }

  /** The old token lives on for a moment only, and does not rotate again. False: another request was first. */
  async #retire(hash: string, nowMs: number): Promise<boolean> {
    const { numUpdatedRows } = await this.#ledger.rows
      .updateTable('logins')
      .set({ rotate_ms: null, ends_ms: nowMs + oldTokenGraceMs })
      .where('hash', '=', hash)
      .where('rotate_ms', 'is not', null)
      .executeTakeFirst()
    return numUpdatedRows === 1n
  }

  #open(name: string, endsMs: number): Promise<string> {
    const nowMs = this.#nowMs()
    return this.#keep({
      kind: 'session',
      name,
      ends_ms: endsMs,
      idle_ms: nowMs + idleLifeMs,
      rotate_ms: nowMs + rotateAfterMs,
    })
  }

  async #keep(row: Omit<LoginRow, 'hash'>): Promise<string> {
    const token = drawToken()
    await this.#ledger.rows
      .insertInto('logins')
      .values({ hash: secretHash(token), ...row })
      .execute()
    return token
  }

  #nowMs(): number {
    return this.#ledger.clock.nowMs()
  }
}
