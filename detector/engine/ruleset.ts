/** The rules that run, indexed by event id: one call an event, nothing allocated unless a rule matches. */
import type { Bound } from '../../contract/condition/bound.ts'
import { checkCondition } from '../../contract/condition/check.ts'
import { compileJudge, type Conditioned, type Matching, type OnMatch } from './compile.ts'
import { hasName } from './event-types.ts'
import { foldForEvent } from './fold.ts'
import { compilePossible, type Possible } from './possible.ts'
import type { LoadedRule } from './load/compile-rules.ts'
import type { Dispatched, RuleSource } from './rule-source.ts'
import { type SelectOptions, selectRules } from './selection.ts'

export interface RulesetOptions<Subject> extends SelectOptions {
  /** `rule_matching`: the first rule that matches an event ends it, or every rule is asked. */
  readonly matching: Matching
  readonly source: RuleSource<Subject>
}

/** A rule of one source, ready to be asked about its events. */
export interface RunningRule<Subject> extends LoadedRule {
  readonly bound: Bound<Subject>
}

export interface Ruleset<Subject> {
  /** In the order in which they are asked. */
  readonly rules: readonly RunningRule<Subject>[]
  /** The events that any of them can match: what has to be captured. */
  readonly wantedEvents: ReadonlySet<string>
  /** Calls back for each match, before it returns. The event is the caller's to reuse afterwards. */
  readonly evaluate: (event: Subject, onMatch: OnMatch<RunningRule<Subject>, Subject>) => void
  /** For an event of which late fields are missing. Compiled with the first that asks. */
  readonly possible: Possible<RunningRule<Subject>, Subject>
}

export function createRuleset<Subject extends Dispatched>(
  loaded: readonly LoadedRule[],
  options: RulesetOptions<Subject>,
): Ruleset<Subject> {
  const { name: sourceName, fields, eventNames, lateFields } = options.source
  const rules = selectRules(
    loaded.filter(({ source }) => source === sourceName),
    options,
  ).flatMap((rule): RunningRule<Subject>[] => {
    // Checked when it was loaded, against the same fields.
    const { condition: bound } = checkCondition(rule.condition, fields)
    return bound === undefined ? [] : [{ ...rule, bound }]
  })
  const byEvent = eventNames.map((name) => conditionsFor(rules, name))
  const judges = byEvent.map((conditioned) =>
    conditioned.length === 0 ? undefined : compileJudge(conditioned, options.matching),
  )
  const possible = new Map<number, Possible<RunningRule<Subject>, Subject>>()
  const wantedEvents = new Set(eventNames.filter((_name, eventId) => judges[eventId] !== undefined))
  return {
    rules,
    wantedEvents,
    evaluate(event, onMatch) {
      const judge = judges[event.id]
      if (judge !== undefined) judge(event, onMatch)
    },
    possible(event) {
      const known = possible.get(event.id)
      if (known !== undefined) return known(event)
      const compiled = compilePossible(byEvent[event.id] ?? [], lateFields ?? new Set())
      possible.set(event.id, compiled)
      return compiled(event)
    },
  }
}

/** The rules that can match events of this name, with what is left to ask of such an event. */
const conditionsFor = <Subject>(rules: readonly RunningRule<Subject>[], name: string) =>
  rules.flatMap((rule): Conditioned<RunningRule<Subject>, Subject>[] => {
    if (!hasName(rule.names, name)) return []
    const condition = foldForEvent(rule.bound, name)
    return condition === false ? [] : [{ rule, condition }]
  })
