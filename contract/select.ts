/** Which rules a policy selects: one answer, in the responder and on the node that compiles a strike. */
import { priorities, type Priority } from './alert.ts'

/** Every criterion that is given must hold; inside a list any entry is enough; an empty list or null asks nothing. */
export interface Selection {
  /** Exact rule names. */
  readonly names: readonly string[]
  readonly tags: readonly string[]
  readonly minPriority: Priority | null
  readonly source: string | null
}

export interface SelectableRule {
  readonly name: string
  readonly tags: readonly string[]
  readonly priority: Priority
  readonly source: string
}

/** Why the rule is not selected, one sentence for `riposte alerts explain`; null when it is. */
export function whyNotSelected(selection: Selection, rule: SelectableRule): string | null {
  const { names, tags, minPriority, source } = selection
  if (names.length > 0 && !names.includes(rule.name)) return `rule ${rule.name} is not named`
  if (tags.length > 0 && !tags.some((tag) => rule.tags.includes(tag)))
    return `none of the tags ${tags.join(', ')}`
  if (minPriority !== null && severity(rule.priority) < severity(minPriority))
    return `priority ${rule.priority} is below ${minPriority}`
  if (source !== null && source !== rule.source) return `source ${rule.source} is not ${source}`
  return null
}

/** Debug is 0, Emergency 7: more urgent is greater, as people compare. */
export const severity = (priority: Priority) => priorities.length - 1 - priorities.indexOf(priority)
