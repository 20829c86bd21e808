/** What a detector is built from, and what it gives to whoever runs it. */
import type { Strike } from '../contract/alert.ts'
import type { Problem } from '../contract/problem.ts'
import type { Answer, Heartbeat, Orders, Verdict } from '../contract/verdict.ts'
import type { Event } from './events/event.ts'
import type { Judge } from './judge/judge.ts'
import type { RulesInForce } from './rules-in-force.ts'
import type { EventSource } from './source.ts'
import type { Scope } from './scope/scope.ts'
import type { HandOver } from './verdicts/hand-over.ts'
import type { State } from './state/state.ts'

/** What carries out orders on this node; absent in a detector that only tells. */
export interface NodeHands {
  readonly execute: (verdict: Verdict, handOver: HandOver) => Promise<Answer>
  readonly isOwn: (event: Event) => boolean
  /** What the kernel did or would have done inside the call. */
  readonly strikesOf: (event: Event, rule: string) => Strike[]
  readonly takeStrikes: (strikes: Orders['strikes'], rules: RulesInForce<Event>) => void
  readonly strikes: () => Heartbeat['strikes']
  readonly setKillSwitch: (isOn: boolean) => void
}

export interface DetectorServices {
  readonly source: EventSource
  readonly state: State
  readonly scope: Pick<Scope, 'name' | 'level' | 'directory'>
  readonly hands: NodeHands | undefined
  /** What the kernel decides by itself; undefined for a source that is not the kernel. */
  readonly judge: Judge | undefined
  /** The responder's secret for this node. */
  readonly token: () => string
  /** Talk: to stderr, and to Falco's log when there is one. */
  readonly say: (line: string) => void
  readonly explain: (problems: readonly Problem[]) => void
  readonly version: string
  readonly environment: NodeJS.ProcessEnv
  readonly random: () => number
}

export interface Detector {
  /** SIGHUP, or a changed file: the old rules stay in force if the new ones are wrong. */
  readonly reload: () => void
  /** SIGUSR1 */
  readonly reopenOutputs: () => void
  readonly degraded: () => readonly string[]
  readonly metrics: () => string
  readonly stop: () => Promise<void>
}
