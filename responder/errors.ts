/** What the world did wrong, as classes: a stable code, whether trying again can help, the cause kept. */

export class WorldError extends Error {
  readonly code: string
  readonly isRetryable: boolean

  constructor(code: string, message: string, isRetryable: boolean, options?: ErrorOptions) {
    super(message, options)
    this.name = new.target.name
    this.code = code
    this.isRetryable = isRetryable
  }
}

/** Another object carries the name now, or none does: pid start time, container or UID differ. */
export class TargetGone extends WorldError {
  constructor(message: string, options?: ErrorOptions) {
    super('target_gone', message, false, options)
  }
}

/** The node did not answer in time: it is not connected, or is busy. */
export class NodeUnavailable extends WorldError {
  constructor(message: string, options?: ErrorOptions) {
    super('node_unavailable', message, true, options)
  }
}

/** The node or the API refused by a rule of its own; asking again changes nothing. */
export class ActionRefused extends WorldError {
  constructor(message: string, options?: ErrorOptions) {
    super('action_refused', message, false, options)
  }
}

/** Tried and failed; the node or the API says whether another try can help. */
export class ActionFailed extends WorldError {
  constructor(message: string, isRetryable: boolean, options?: ErrorOptions) {
    super('action_failed', message, isRetryable, options)
  }
}

/** Somebody changed the object since, so what undo would write is no longer right. */
export class Conflict extends WorldError {
  constructor(message: string, options?: ErrorOptions) {
    super('conflict', message, false, options)
  }
}

/** The step's time is over. `isRetryable` is false: a stale effect is worse than none. */
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
