/** What a core is made from, how often it looks at things, and what it tells. */
import type { Action } from './actions/action.ts'
import type { Judge } from './case.ts'
import type { Surroundings } from './ledger/facts.ts'
import type { Ledger } from './ledger/open.ts'
import type { Retention } from './ledger/retention.ts'
import type { RedisAddress } from './redis.ts'
import type { RunParts } from './run-parts.ts'
import type { Step } from './step.ts'

export interface CoreParts extends Pick<RunParts, 'linkTo' | 'kubernetes' | 'notify' | 'linkOf'> {
  readonly ledger: Ledger
  readonly redis: RedisAddress
  /** This responder started that Redis itself: what is in it is left over from an earlier run. */
  readonly isRedisOurs: boolean
  /** For `kill-switch` and `audit.checkpoints`. */
  readonly directory: string
  readonly judge: Judge
  readonly actions: readonly Action[]
  /** Absent: every action may be carried out. */
  readonly enabledActions?: Surroundings['enabledActions']
  readonly protected: Surroundings['protected']
  readonly modeOf: Surroundings['modeOf']
  /** After the change is durable: for metrics and nodes. Must not throw. */
  readonly onChange: (change: Change) => void
  readonly retention: Retention
  /** What else is old and goes, with each round of `retention`. */
  readonly prune?: () => Promise<void>
  readonly log: (message: string) => void
  /** None where no API server says what runs where. */
  readonly confirm?: RunParts['confirm']
  /** None: actions keep what fits in their effects. */
  readonly evidence?: RunParts['evidence']
  /** Only for crash tests. */
  readonly reach?: RunParts['reach']
  readonly times?: Partial<Times>
}

export type Change =
  | { readonly kind: 'step_ended'; readonly step: Step }
  | { readonly kind: 'kill_switch'; readonly reason: string | null }

export interface Times {
  /** A worker that says nothing for this long is taken for dead. */
  readonly leaseMs: number
  /** How often the ledger is looked through for what is due, whatever timers say. */
  readonly sweepMs: number
  /** How often Redis and progress are looked at (I9: a second). */
  readonly watchMs: number
  readonly checkpointMs: number
  /** How often what is over and old is looked for. */
  readonly pruneMs: number
}

export const defaultTimes: Times = {
  leaseMs: 30_000,
  sweepMs: 5000,
  watchMs: 400,
  checkpointMs: 10_000,
  pruneMs: 60_000,
}
