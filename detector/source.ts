/** Shape of a source: where records come from. The kernel's rings are one, a capture file another. */
import type { EventView } from './events/view.ts'

export interface EventSource {
  /**
   * Resolves once records of all wanted events are being delivered, the running processes first. The view points at
   * a record during each call of `onRecord`, and only then.
   */
  start(wanted: ReadonlySet<string>, onRecord: (view: EventView) => void): Promise<void>
  /** Other rules are in force: from now on these events. */
  want(wanted: ReadonlySet<string>): void
  /** Records lost since start, by class. */
  lost(): Readonly<Record<string, number>>
  /** One sentence for each thing that is not as it should be: a hook that is missing, a ring smaller than asked. */
  degraded(): readonly string[]
  stop(): Promise<void>
}
