/** What Falco prints when its input has come to an end; scripts read it. */
import { type Priority, priorities } from '../../contract/alert.ts'

export interface Matched {
  readonly rule: { readonly name: string; readonly priority: Priority }
  readonly matches: number
}

const shortName = (priority: Priority) =>
  priority === 'Informational' ? 'INFO' : priority.toUpperCase()

export function matchSummary(matched: readonly Matched[]): string {
  const sum = (some: readonly Matched[]) => some.reduce((total, { matches }) => total + matches, 0)
  const bySeverity = priorities
    .map(
      (priority) =>
        [priority, sum(matched.filter(({ rule }) => rule.priority === priority))] as const,
    )
    .filter(([, count]) => count > 0)
  return [
    `Events detected: ${sum(matched)}`,
    'Rule counts by severity:',
    ...bySeverity.map(([priority, count]) => `   ${shortName(priority)}: ${count}`),
    'Triggered rules by rule name:',
    ...matched.map(({ rule, matches }) => `   ${rule.name}: ${matches}`),
  ].join('\n')
}
