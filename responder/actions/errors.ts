/** What can go wrong between a plan and its effect. `code` stands in the ledger; `retryable` says whether the queue tries again. */
import { WorldError } from '../errors.ts'

/** The process, container or file that was judged is not there any more: nothing was done, and nothing is to be. */
export class TargetGone extends WorldError {
  constructor(message: string) {
    super('target_gone', message, false)
  }
}

/** A guard said no: the node's own, a conflict found by undo, or a destination that may not be reached. */
export class ActionRefused extends WorldError {
  constructor(message: string, options?: ErrorOptions) {
    super('refused', message, false, options)
  }
}

/** Somebody changed the object since it was looked at: what was decided on is not there any more. */
export class Conflict extends ActionRefused {}

/** This responder may not do it: Kubernetes rights are missing. */
export class Forbidden extends WorldError {
  constructor(message: string, options?: ErrorOptions) {
    super('forbidden', message, false, options)
  }
}

/** The step's deadline passed before the effect. */
export class ActionExpired extends WorldError {
  constructor(message: string) {
    super('expired', message, false)
  }
}

/** The node cannot be asked now. */
export class NodeUnavailable extends WorldError {
  constructor(message: string, options?: ErrorOptions) {
    super('node_unavailable', message, true, options)
  }
}

/** It was tried and did not work. */
export class ActionFailed extends WorldError {
  constructor(message: string, retryable: boolean, options?: ErrorOptions) {
    super('failed', message, retryable, options)
  }
}
