/** The rules that run, indexed by event id: one call an event, nothing allocated unless a rule matches. */
import type { Event } from '../events/event.ts'
import {
  compileJudge,
  type Conditioned,
  type Judge,
  type Matching,
  type OnMatch,
} from './compile.ts'
import { hasName } from './event-types.ts'
import { foldForEvent } from './fold.ts'
import type { LoadedRule } from './load/compile-rules.ts'
import { type SelectOptions, selectRules } from './selection.ts'

export interface RulesetOptions extends SelectOptions {
  /** `rule_matching`: the first rule that matches an event ends it, or every rule is asked. */
  readonly matching: Matching
  readonly source: string
  /** Event names by id: those of events/schema.ts. */
  readonly eventNames: readonly string[]
}

export interface Ruleset {
  /** In the order in which they are asked. */
  readonly rules: readonly LoadedRule[]
  /** The events that any of them can match: what has to be captured. */
  readonly wantedEvents: ReadonlySet<string>
  /** Calls back for each match, before it returns. The event is the caller's to reuse afterwards. */
  readonly evaluate: (event: Event, onMatch: OnMatch<LoadedRule>) => void
}

export function createRuleset(loaded: readonly LoadedRule[], options: RulesetOptions): Ruleset {
  const rules = selectRules(
    loaded.filter(({ source }) => source === options.source),
    options,
  )
  const judges = options.eventNames.map((name) => judgeOf(rules, name, options.matching))
  const wantedEvents = new Set(
    options.eventNames.filter((_name, eventId) => judges[eventId] !== undefined),
  )
  return {
    rules,
    wantedEvents,
    evaluate(event, onMatch) {
      const judge = judges[event.id]
      if (judge !== undefined) judge(event, onMatch)
    },
  }
}

/** Undefined where no rule can match events of this name. */
function judgeOf(
  rules: readonly LoadedRule[],
  name: string,
  matching: Matching,
): Judge<LoadedRule> | undefined {
  const conditioned = rules.flatMap((rule): Conditioned<LoadedRule>[] => {
    if (!hasName(rule.names, name)) return []
    const condition = foldForEvent(rule.bound, name)
    return condition === false ? [] : [{ rule, condition }]
  })
  return conditioned.length === 0 ? undefined : compileJudge(conditioned, matching)
}
