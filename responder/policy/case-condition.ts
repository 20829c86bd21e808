/** A rung's `when`: the same language over the case, with priorities by name and durations as people write them. */
import { priorities, type Priority } from '../../contract/alert.ts'
import { checkCondition } from '../../contract/condition/check.ts'
import { interpret } from '../../contract/condition/interpret.ts'
import { parseCondition } from '../../contract/condition/parser.ts'
import { unknownName } from '../../contract/problem.ts'
import { severity } from '../../contract/select.ts'
import { parseDuration } from './duration.ts'
import { plainFields, remarkOn, type PlainField } from './field-table.ts'

/** What has become of a rung's steps so far. */
export const rungStatuses = [
  'none',
  'running',
  'held',
  'done',
  'done_unverified',
  'would',
  'ignored',
  'suppressed',
  'failed',
  'denied',
  'expired',
  'cancelled',
  'conflict',
] as const
export type RungStatus = (typeof rungStatuses)[number]

export interface CaseView {
  readonly count: number
  readonly ageMs: number
  readonly priority: Priority
  readonly rungs: ReadonlyMap<string, RungStatus>
}

export interface CaseCondition {
  readonly text: string
  readonly holds: (view: CaseView) => boolean
}

/** `rungs`: the earlier ones of the ladder, which the condition may ask about. */
export function parseCaseCondition(
  text: string,
  rungs: readonly string[],
): CaseCondition | { readonly problem: string } {
  const numbers = numbersFor(text)
  if (typeof numbers !== 'string') return numbers
  const parsed = parseCondition(numbers)
  if ('problem' in parsed)
    return { problem: `${parsed.problem.message} (at character ${parsed.problem.at + 1})` }
  const { condition, problems } = checkCondition(parsed.node, plainFields(caseFields(rungs)))
  if (condition === undefined) return { problem: problems.map(remarkOn).join('; ') }
  const wrong = wrongStatus(text)
  return wrong ?? { text, holds: (view) => interpret(condition, view) }
}

function caseFields(rungs: readonly string[]): ReadonlyMap<string, PlainField<CaseView>> {
  return new Map<string, PlainField<CaseView>>([
    ['case.count', { type: 'int', read: ({ count }) => count }],
    ['case.age', { type: 'int', read: ({ ageMs }) => Math.round(ageMs) }],
    ['case.priority', { type: 'int', read: ({ priority }) => severity(priority) }],
    ...rungs.map((name): [string, PlainField<CaseView>] => [
      `rung.${name}.status`,
      { type: 'string', read: (view) => view.rungs.get(name) ?? 'none' },
    ]),
  ])
}

/** `case.priority >= ALERT` → `case.priority >= 6`, `case.age < 1h` → `case.age < 3600000`. */
function numbersFor(text: string): string | { readonly problem: string } {
  let problem: string | undefined
  const replaced = text.replaceAll(
    /(case\.(priority|age)\s*(?:<=|>=|!=|==|=|<|>)\s*)([\w.]+)/g,
    (whole, head: string, field: string, word: string) => {
      const value = field === 'age' ? parseDuration(word) : priorityNumber(word)
      if (value !== undefined) return `${head}${value}`
      problem ??=
        field === 'age'
          ? `case.age is compared with a duration such as 15m, not ${word}`
          : unknownName('priority', word, priorities)
      return whole
    },
  )
  return problem === undefined ? replaced : { problem }
}

function priorityNumber(word: string): number | undefined {
  const known = priorities.find((priority) => priority.toLowerCase() === word.toLowerCase())
  return known === undefined ? undefined : severity(known)
}

/** A status that no rung ever has would make a condition that never holds. */
function wrongStatus(text: string): { readonly problem: string } | undefined {
  for (const [, word = ''] of text.matchAll(/\.status\s*(?:!=|==|=)\s*"?(\w+)/g))
    if (!rungStatuses.some((status) => status === word))
      return { problem: unknownName('rung status', word, rungStatuses) }
  return undefined
}
