import type { Priority, RequestedAction } from '../../contract/alert.ts'

/** What an alert takes from a loaded rule. */
export interface AlertRule {
  readonly name: string
  readonly priority: Priority
  readonly source: string
  readonly tags: readonly string[]
  readonly output: string
  readonly actions: readonly RequestedAction[]
}
