/** An event: a record through the view, with the process it belongs to. One object, reused for every record. */
import type { Host } from '../state/host.ts'
import type { Process } from '../state/process.ts'
import type { ProcessTable } from '../state/processes.ts'
import type { State } from '../state/state.ts'
import type { Users } from '../state/users.ts'
import type { EventView, SocketTuple } from './view.ts'

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
  /** What the fields know beyond the record. */
  readonly state: FieldState
  /** Boot-clock time of this record, of the one before it (evt.deltatime) and of the first (evt.reltime). */
  timeNs: bigint
  previousTimeNs: bigint
  firstTimeNs: bigint
  /** What several fields are made of, kept by the readers for as long as `number` stays the same. */
  readonly derived: Derived
}

export interface FieldState {
  readonly host: Host
  readonly users: Omit<Users, 'refresh'>
  readonly processes: Pick<ProcessTable, 'current'>
}

/** One that records bring about, with all of the state, which they change. */
export interface LiveEvent extends Event {
  readonly state: State
}

/** What a descriptor leads to, in Falco's words: its type and the character for it. */
export interface FileKind {
  readonly type: string
  readonly character: string
}

export interface Derived {
  number: number
  path: string | undefined
  isPathKnown: boolean
  passedName: string | undefined
  isPassedNameKnown: boolean
  kind: FileKind | undefined
  isKindKnown: boolean
  socket: SocketTuple | undefined
  isSocketKnown: boolean
}

/** The one event that a loop reuses: point the view at a record, then `apply` it (state/apply.ts). */
export function createEvent(view: EventView, state: State): LiveEvent {
  return {
    id: view.eventId,
    view,
    process: undefined,
    number: 0,
    nameInUse: 'kernel',
    state,
    timeNs: 0n,
    previousTimeNs: 0n,
    firstTimeNs: 0n,
    derived: {
      number: -1,
      path: undefined,
      isPathKnown: false,
      passedName: undefined,
      isPassedNameKnown: false,
      kind: undefined,
      isKindKnown: false,
      socket: undefined,
      isSocketKnown: false,
    },
  }
}

/** The derived values of this record: emptied when the event has moved on. */
export function derivedOf(event: Event): Derived {
  const { derived } = event
  if (derived.number !== event.number) {
    derived.number = event.number
    derived.isPathKnown = false
    derived.isPassedNameKnown = false
    derived.isKindKnown = false
    derived.isSocketKnown = false
  }
  return derived
}
