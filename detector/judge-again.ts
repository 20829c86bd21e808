/**
 * A judgement that hangs on what is not known yet of the event's container: its rules are asked again once that is
 * known, with everything else as it was.
 */
import type { Bound } from '../contract/condition/bound.ts'
import type { LoadedRule } from './engine/load/compile-rules.ts'
import type { RunningRule } from './engine/ruleset.ts'
import type { Event } from './events/event.ts'
import { hasTwoNames } from './fields/subject.ts'
import type { RulesInForce } from './rules-in-force.ts'
import { keepEvent } from './state/keep-event.ts'

export interface Judgement {
  /** What it takes in memory, about. */
  readonly bytes: number
  /** Tells what holds by now and did not before; answers the ids of alerts that were told and do not hold. */
  readonly again: () => readonly string[]
}

type Tell = (rule: LoadedRule, event: Event, rules: RulesInForce<Event>) => void

/**
 * Undefined where what is missing decides no rule; else what keeps the judgement, if there is room, before the event
 * moves on. `told`: the rules that have matched.
 */
export function suspend(
  event: Event,
  rules: RulesInForce<Event>,
  told: readonly LoadedRule[],
  tell: Tell,
): (() => Judgement) | undefined {
  const open = new Set<RunningRule<Event>>()
  byEachName(event, () => {
    for (const rule of rules.ruleset.possible(event)) open.add(rule)
  })
  return open.size === 0 ? undefined : () => keepJudgement(event, rules, open, [...told], tell)
}

function keepJudgement(
  event: Event,
  rules: RulesInForce<Event>,
  open: ReadonlySet<RunningRule<Event>>,
  before: readonly LoadedRule[],
  tell: Tell,
): Judgement {
  const { event: kept, bytes } = keepEvent(event)
  for (const rule of open) {
    readAll(rule.bound, kept)
    rules.makers.get(rule)?.(kept)
  }
  return { bytes, again: () => judgeAgain(kept, rules, before, tell) }
}

function judgeAgain(
  event: Event,
  rules: RulesInForce<Event>,
  before: readonly LoadedRule[],
  tell: Tell,
): readonly string[] {
  const now = new Set<LoadedRule>()
  byEachName(event, () => {
    rules.ruleset.evaluate(event, (rule) => {
      if (!now.has(rule) && !before.includes(rule)) tell(rule, event, rules)
      now.add(rule)
    })
  })
  const wrong = before.filter((rule) => !now.has(rule))
  return wrong.flatMap((rule) => rules.makers.get(rule)?.(event).alert.id ?? [])
}

/** An opened file may go by two, and each is judged (design 4). */
function byEachName(event: Event, judge: () => void): void {
  judge()
  if (!hasTwoNames(event)) return
  event.nameInUse = 'passed'
  judge()
  event.nameInUse = 'kernel'
}

/** What was read once of a kept event is not asked of the state again. */
function readAll<Subject>(condition: Bound<Subject>, subject: Subject): void {
  switch (condition.kind) {
    case 'and':
    case 'or':
      for (const child of condition.children) readAll(child, subject)
      return
    case 'not':
      readAll(condition.child, subject)
      return
    case 'exists':
      condition.left.read(subject)
      return
    case 'test':
      condition.left.read(subject)
      if (condition.right.kind === 'operand') condition.right.operand.read(subject)
  }
}
