/** Who is at the web page: one-time codes from `riposte login`, and the sessions that they open. */
import { randomBytes } from 'node:crypto'
import { secretHash } from './secret-file.ts'

export interface Person {
  /** What the audit writes down. */
  readonly name: string
  readonly via: 'socket' | 'session' | 'token'
}

interface Session {
  readonly name: string
  readonly endsMs: number
  readonly rotateMs: number
  readonly idleEndsMs: number
}

const codeLifeMs = 5 * 60_000
const sessionLifeMs = 12 * 3_600_000
const idleLifeMs = 3_600_000
const rotateAfterMs = 15 * 60_000
/** Requests that were under way when the token rotated still carry the old one. */
const oldTokenGraceMs = 30_000
/** Nobody needs more at once; the oldest goes. */
const maxKept = 1000

const drawToken = () => randomBytes(32).toString('base64url')

export interface SessionUse {
  readonly person: Person
  /** A new token for the cookie, when it was time. */
  readonly rotated: string | null
}

/** Held in memory only: a restart logs everybody out, and no stolen database opens a session. */
export class Logins {
  readonly #codes = new Map<string, { readonly name: string; readonly endsMs: number }>()
  readonly #sessions = new Map<string, Session>()
  readonly #now: () => number

  constructor(now: () => number = Date.now) {
    this.#now = now
  }

  /** A code that opens one session for `name`, within five minutes. */
  issueCode(name: string): string {
    const code = drawToken()
    keep(this.#codes, secretHash(code), { name, endsMs: this.#now() + codeLifeMs })
    return code
  }

  /** The session's token, or null when the code was never given, is used up or too old. */
  redeem(code: string): string | null {
    const key = secretHash(code)
    const issued = this.#codes.get(key)
    this.#codes.delete(key)
    return issued === undefined || issued.endsMs <= this.#now()
      ? null
      : this.#open(issued.name, this.#now() + sessionLifeMs)
  }

  use(token: string): SessionUse | null {
    const now = this.#now()
    const key = secretHash(token)
    const session = this.#sessions.get(key)
    if (session === undefined) return null
    if (session.endsMs <= now || session.idleEndsMs <= now) {
      this.#sessions.delete(key)
      return null
    }
    const person: Person = { name: session.name, via: 'session' }
    if (session.rotateMs > now) {
      this.#sessions.set(key, { ...session, idleEndsMs: idleEnd(session, now) })
      return { person, rotated: null }
    }
    // The old token lives on for a moment only, and does not rotate again.
    this.#sessions.set(key, { ...session, rotateMs: Infinity, endsMs: now + oldTokenGraceMs })
    return { person, rotated: this.#open(session.name, session.endsMs) }
  }

  close(token: string): void {
    this.#sessions.delete(secretHash(token))
  }

  #open(name: string, endsMs: number): string {
    const token = drawToken()
    const now = this.#now()
    keep(this.#sessions, secretHash(token), {
      name,
      endsMs,
      rotateMs: now + rotateAfterMs,
      idleEndsMs: now + idleLifeMs,
    })
    return token
  }
}

/** Once the short grace of an old token has begun, use does not lengthen it. */
const idleEnd = (session: Session, now: number) =>
  session.rotateMs === Infinity ? session.idleEndsMs : now + idleLifeMs

function keep<Value>(map: Map<string, Value>, key: string, value: Value): void {
  map.set(key, value)
  const [oldest] = map.keys()
  if (map.size > maxKept && oldest !== undefined) map.delete(oldest)
}
