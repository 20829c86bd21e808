/**
 * The hot path: a record brings the state up to date, is judged, and becomes alerts. Nothing is allocated unless a
 * rule matches; the rules are one pointer that a reload swaps between two records.
 */
import type { JudgedAlert } from './alerts/judged.ts'
import type { LoadedRule } from './engine/load/compile-rules.ts'
import { type Event, type LiveEvent, createEvent } from './events/event.ts'
import { events, recordFlags } from './events/schema.ts'
import type { EventView } from './events/view.ts'
import { hasTwoNames } from './fields/subject.ts'
import { type Judgement, suspend } from './judge-again.ts'
import type { RulesInForce } from './rules-in-force.ts'
import { apply } from './state/apply.ts'
import type { Container } from './state/container.ts'
import type { State } from './state/state.ts'

export interface PipelineOptions {
  readonly state: State
  readonly rules: RulesInForce<Event>
  readonly onAlert: (judged: JudgedAlert) => void
  /** Acts of Riposte itself set nothing off (fault F24); asked only when a rule has matched. */
  readonly isOwn: (event: Event) => boolean
  /** The kernel struck, or would have: whatever the rules say of it. */
  readonly onStruck: (event: Event) => void
  /** Rules of an event that hang on what nobody has told yet of its container. */
  readonly onSuspended: (container: Container, keep: () => Judgement) => void
}

const STRUCK = recordFlags.struck | recordFlags.wouldStrike

export class Pipeline {
  /** One, reused for every record. */
  #event: LiveEvent | undefined
  readonly #options: PipelineOptions
  /** By rule name, so that a reload does not begin again at zero. */
  readonly matches = new Map<string, number>()
  #rules: RulesInForce<Event>
  #wanted: readonly boolean[]
  /** Rules that have already spoken of this record: the second name must not repeat them. */
  readonly #spoken: LoadedRule[] = []
  judged = 0
  /** Matches that were left out because the process was our own. */
  own = 0

  constructor(options: PipelineOptions) {
    this.#options = options
    this.#rules = options.rules
    this.#wanted = wantedIds(options.rules)
  }

  get rules(): RulesInForce<Event> {
    return this.#rules
  }

  /** Process state stays; the next record is judged by the new rules. */
  swap(rules: RulesInForce<Event>): void {
    this.#rules = rules
    this.#wanted = wantedIds(rules)
  }

  readonly onRecord = (view: EventView): void => {
    const event = (this.#event ??= createEvent(view, this.#options.state))
    event.view = view
    if (!apply(event)) return
    this.judged++
    if ((view.flags & STRUCK) !== 0) this.#options.onStruck(event)
    if (this.#wanted[event.id] !== true) return
    const { ruleset } = this.#rules
    ruleset.evaluate(event, this.#onMatch)
    if (hasTwoNames(event)) {
      event.nameInUse = 'passed'
      ruleset.evaluate(event, this.#onMatch)
      event.nameInUse = 'kernel'
    }
    const container = event.process?.container
    if (container?.isPending === true) this.#suspend(event, container)
    if (this.#spoken.length > 0) this.#spoken.length = 0
  }

  #suspend(event: Event, container: Container): void {
    if (this.#options.isOwn(event)) return
    const keep = suspend(event, this.#rules, this.#spoken, this.#tell)
    if (keep !== undefined) this.#options.onSuspended(container, keep)
  }

  readonly #onMatch = (rule: LoadedRule, event: Event): void => {
    if (this.#spoken.includes(rule)) return
    this.#spoken.push(rule)
    if (this.#options.isOwn(event)) {
      this.own++
      return
    }
    this.#tell(rule, event, this.#rules)
  }

  readonly #tell = (rule: LoadedRule, event: Event, { makers }: RulesInForce<Event>): void => {
    this.matches.set(rule.name, (this.matches.get(rule.name) ?? 0) + 1)
    const judged = makers.get(rule)?.(event)
    if (judged !== undefined) this.#options.onAlert(judged)
  }
}

const wantedIds = ({ ruleset }: RulesInForce<Event>) =>
  events.map(({ name }) => ruleset.wantedEvents.has(name))
