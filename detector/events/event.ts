/** An event: a record through the view, with the process it belongs to. One object, reused for every record. */
import type { Process } from '../state/processes.ts'
import type { EventView } from './view.ts'

export interface Event {
  /** Index in `events` (schema.ts): what the ruleset dispatches on. */
  id: number
  view: EventView
  /** The process table's entry of the record's pid; missing only when it could not be learned. */
  process: Process | undefined
  /** evt.num: counts from 1 since start. */
  number: number
  /**
   * Which of an opened file's two names is judged in this pass (design 4): 'kernel' is the path of the struct file,
   * 'passed' the text that the caller gave, joined to its directory and normalised as Falco does.
   */
  nameInUse: 'kernel' | 'passed'
}
