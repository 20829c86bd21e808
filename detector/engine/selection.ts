/** Which of the loaded rules run, in which order (falco.yaml `rules:`, `priority:`; falco-compat 1.3, 5.2). */
import { type Priority, priorities } from '../../contract/alert.ts'
import { globMatcher } from '../../contract/condition/glob.ts'
import type { LoadedRule } from './load/compile-rules.ts'

/** One entry of `rules:`: by name (`*` matches any run) or by tag. */
export interface Selection {
  readonly operation: 'enable' | 'disable'
  readonly by: 'rule' | 'tag'
  readonly pattern: string
}

export interface SelectOptions {
  readonly selection?: readonly Selection[]
  /** Less urgent rules do not run. */
  readonly minPriority?: Priority
}

type Selectable = Pick<LoadedRule, 'name' | 'tags' | 'isEnabled' | 'priority'>

/** Applied in order; a rule that was off by default and is switched on runs after those that were on. */
export function selectRules<Rule extends Selectable>(
  rules: readonly Rule[],
  { selection = [], minPriority = 'Debug' }: SelectOptions,
): readonly Rule[] {
  const running = new Set(rules.filter(({ isEnabled }) => isEnabled))
  for (const { operation, by, pattern } of selection) {
    const isNamed = globMatcher(pattern.replaceAll(/[?[\\]/g, String.raw`\$&`))
    for (const rule of rules) {
      if (!(by === 'tag' ? rule.tags.includes(pattern) : isNamed(rule.name))) continue
      if (operation === 'enable') running.add(rule)
      else running.delete(rule)
    }
  }
  const limit = priorities.indexOf(minPriority)
  return [...running].filter(({ priority }) => priorities.indexOf(priority) <= limit)
}
