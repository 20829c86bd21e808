/** How a step ended. Each is a different thing to know at three in the morning; no suppression is silent. */
import type { Effect } from './actions/action.ts'

/** What a gate said (gates/gate.ts), kept with the outcome of an audited step. */
export interface GateReport {
  readonly gate: string
  readonly answer: 'pass' | 'refuse' | 'hold' | 'wait'
  readonly reason: string | null
}

interface Ending<Status extends string> {
  readonly status: Status
  /** Stable, for queries and metrics: `target_gone`, `cooldown`, `node_unavailable`, … */
  readonly code: string
  /** One sentence for people. */
  readonly detail: string
}

/** Nothing was to be done: `already_done`, or `target_gone`. */
type Ignored = Ending<'ignored'>
/** A gate refused; `code` is the gate's name. */
type Suppressed = Ending<'suppressed'>
/** Audit: every gate was asked, and this would have been done. */
interface Would extends Ending<'would'> {
  readonly effect: Effect
  readonly gates: readonly GateReport[]
}
/** It happened, and was seen to hold. */
interface Done extends Ending<'done'> {
  readonly effect: Effect
}
/** It was done, but could not be seen to hold. */
interface DoneUnverified extends Ending<'done_unverified'> {
  readonly effect: Effect
}
/** It was tried; `code` is the error's. */
type Failed = Ending<'failed'>
/** People said no. */
type Denied = Ending<'denied'>
/** Its time passed: `approval` (nobody decided) or `deadline`. */
type Expired = Ending<'expired'>
/** A person took it back before it began. */
type Cancelled = Ending<'cancelled'>
/** An undo found that somebody changed the object since. */
type Conflicted = Ending<'conflict'>

export type Outcome =
  | Ignored
  | Suppressed
  | Would
  | Done
  | DoneUnverified
  | Failed
  | Denied
  | Expired
  | Cancelled
  | Conflicted
