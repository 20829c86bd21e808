/** What the world did wrong, as classes: a stable code, whether trying again can help, the cause kept. Actions have theirs in actions/errors.ts. */

export class WorldError extends Error {
  readonly code: string
  readonly retryable: boolean

  constructor(code: string, message: string, retryable: boolean, options?: ErrorOptions) {
    super(message, options)
    this.name = new.target.name
    this.code = code
    this.retryable = retryable
  }
}

/** The step's time is over. `retryable` is false: a stale effect is worse than none. */
export class DeadlinePassed extends WorldError {
  constructor(message: string, options?: ErrorOptions) {
    super('deadline', message, false, options)
  }
}

export class RedisUnavailable extends WorldError {
  constructor(message: string, options?: ErrorOptions) {
    super('redis_unavailable', message, true, options)
  }
}

/** The ledger cannot be opened: newer than this program, in use by another responder, or not to be written. */
export class LedgerRefused extends WorldError {
  constructor(message: string, options?: ErrorOptions) {
    super('ledger_refused', message, false, options)
  }
}

/** Intake is refused for now, so that memory and disk stay bounded: the detector keeps its spool and tries again. */
export class LedgerFull extends WorldError {
  constructor(message: string, options?: ErrorOptions) {
    super('ledger_full', message, true, options)
  }
}

export const messageOf = (error: unknown): string =>
  error instanceof Error ? error.message : String(error)

/** Code and `retryable` of any of the project's errors; what carries neither is a mistake of ours. */
export function kindOf(error: unknown): { readonly code: string; readonly retryable: boolean } {
  if (error instanceof DOMException && error.name === 'TimeoutError')
    return { code: 'timeout', retryable: true }
  if (!(error instanceof Error)) return unexpected
  if (!('code' in error) || !('retryable' in error)) return unexpected
  const { code, retryable } = error
  return typeof code === 'string' && typeof retryable === 'boolean'
    ? { code, retryable }
    : unexpected
}
const unexpected = { code: 'unexpected', retryable: false }
