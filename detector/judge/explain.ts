/** Why the kernel keeps the records that it keeps: what each rule asks of it, in the order of the rules. */
import { filterClauses, needsOf, printClause, type FilterRule } from './filter.ts'

export interface FilterExplanation {
  readonly eventName: string
  /** Every record of the event comes up, whatever it is about. */
  readonly isEverythingKept: boolean
  /** What one of must hold for a record to come up. */
  readonly clauses: readonly string[]
  readonly rules: readonly {
    readonly rule: string
    readonly clauses: readonly string[]
    /** What the kernel cannot decide of it. */
    readonly unknowns: readonly string[]
  }[]
}

/** For `riposte rules cost`: events that some rule can match. */
export function explainFilter(
  rules: readonly FilterRule[],
  eventNames: readonly string[],
): FilterExplanation[] {
  return eventNames
    .map((eventName) => {
      const needs = needsOf(rules, eventName)
      const clauses = filterClauses(needs)
      return {
        eventName,
        isEverythingKept: clauses.some((clause) => clause.length === 0),
        clauses: clauses.map(printClause),
        rules: needs.map((one) => ({
          rule: one.rule,
          clauses: one.clauses.map(printClause),
          unknowns: one.unknowns,
        })),
      }
    })
    .filter((one) => one.rules.length > 0)
}
