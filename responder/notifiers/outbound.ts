/**
 * HTTP from the responder to the outside. A webhook's address is the operator's, but what it resolves to is not: the name
 * is resolved once, every address it gave is judged, and the connection is made to those and no other. No redirects.
 */
import { lookup } from 'node:dns/promises'
import { isIP, type LookupFunction } from 'node:net'
import { setTimeout } from 'node:timers/promises'
import { Agent, request, type Dispatcher } from 'undici'
import { ActionFailed, ActionRefused } from '../actions/errors.ts'
import { createAddressCheck, type AddressRules } from './address-rules.ts'

export interface Post {
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

export interface Outbound extends AsyncDisposable {
  /** Resolves once the receiver said 2xx. Throws ActionRefused, or ActionFailed with whether trying again can help. */
  post(post: Post): Promise<void>
}

export interface OutboundSettings {
  readonly rules: AddressRules
  readonly timeoutMs: number
  /** All addresses of a name, in order; the system's by default. */
  readonly resolve?: (name: string) => Promise<readonly string[]>
}

const ATTEMPTS = 3
/** Doubled each time and spread by half, so that a receiver that comes back is not met by everybody at once. */
const FIRST_PAUSE_MS = 200

export function openOutbound({
  rules,
  timeoutMs,
  resolve = resolveAll,
}: OutboundSettings): Outbound {
  const check = createAddressCheck(rules)
  const agent = new Agent({
    connect: { timeout: timeoutMs, lookup: pinned(check, resolve) },
    headersTimeout: timeoutMs,
    bodyTimeout: timeoutMs,
  })
  return {
    async post({ url, headers, body }) {
      refuseUrl(url, check)
      for (let attempt = 1; ; attempt++) {
        try {
          return await once(url, { dispatcher: agent, method: 'POST', headers, body }, timeoutMs)
        } catch (error) {
          const failure = failureOf(error, url)
          if (!failure.retryable || attempt === ATTEMPTS) throw failure
          await pause(FIRST_PAUSE_MS * 2 ** (attempt - 1))
        }
      }
    },
    [Symbol.asyncDispose]: () => agent.close(),
  }
}

/** Retried here only for a blip; what lasts longer is the queue's. */
async function once(
  url: string,
  options: Parameters<typeof request>[1] & { dispatcher: Dispatcher },
  timeoutMs: number,
): Promise<void> {
  const response = await request(url, { ...options, signal: AbortSignal.timeout(timeoutMs) })
  await response.body.dump({ limit: 64 * 1024 })
  const { statusCode } = response
  if (statusCode >= 200 && statusCode < 300) return
  const host = new URL(url).host
  if (statusCode >= 300 && statusCode < 400)
    throw new ActionRefused(
      `${host} answered with a redirect (${statusCode}), which is not followed`,
    )
  const isPassing = statusCode >= 500 || [408, 425, 429].includes(statusCode)
  throw new ActionFailed(`${host} answered ${statusCode}`, isPassing)
}

function refuseUrl(text: string, check: (address: string) => string | undefined): void {
  const { protocol, username, password, hostname, host } = new URL(text)
  if (protocol !== 'https:' && protocol !== 'http:')
    throw new ActionRefused(`${protocol} is no protocol for a webhook; use https`)
  if (username !== '' || password !== '')
    throw new ActionRefused(`the address of ${host} must not hold a user or password`)
  const literal = hostname.replace(/^\[|\]$/g, '')
  const reason = isIP(literal) === 0 ? undefined : check(literal)
  if (reason !== undefined) throw new ActionRefused(`${host} is not reached: ${reason}`)
}

/** The connection's own lookup, so that nothing can be resolved anew between the judgement and the connection. */
function pinned(
  check: (address: string) => string | undefined,
  resolve: (name: string) => Promise<readonly string[]>,
): LookupFunction {
  return (name, options, done) => {
    resolve(name).then(
      (addresses) => {
        const reason = addresses.map(check).find((found) => found !== undefined)
        if (reason !== undefined)
          return done(new ActionRefused(`${name} is not reached: ${reason}`), '', 0)
        const found = addresses.map((address) => ({ address, family: isIP(address) }))
        if (options.all === true) return done(null, found)
        return done(null, found[0]?.address ?? '', found[0]?.family)
      },
      (error: Error) => done(error, '', 0),
    )
  }
}

const resolveAll = async (name: string): Promise<string[]> =>
  (await lookup(name, { all: true })).map(({ address }) => address)

/** The address may hold a secret (Slack's does), so only the host is ever named. */
function failureOf(error: unknown, url: string): ActionFailed | ActionRefused {
  if (error instanceof ActionFailed || error instanceof ActionRefused) return error
  const cause = error instanceof Error && error.cause !== undefined ? error.cause : error
  if (cause instanceof ActionRefused) return cause
  const reason = error instanceof Error ? error.message : String(error)
  return new ActionFailed(`${new URL(url).host} cannot be reached: ${reason}`, true, {
    cause: error,
  })
}

const pause = (milliseconds: number): Promise<void> =>
  setTimeout(milliseconds * (0.5 + Math.random()))
