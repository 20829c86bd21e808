/** Brings the state up to a record before it is judged, and gives the event its process. */
import type { LiveEvent } from '../events/event.ts'
import { events, recordFlags } from '../events/schema.ts'
import type { EventView } from '../events/view.ts'
import * as changes from './changes.ts'
import { met } from './peers.ts'
import { execute, scanned } from './execute.ts'
import { fork } from './fork.ts'
import type { Process } from './process.ts'
import type { State } from './state.ts'

/**
 * Call it once a record, after the view points at it. Returns whether the record is an event to judge: what the
 * start-up scan found is only state.
 */
export function apply(event: LiveEvent): boolean {
  const { view, state } = event
  if ((view.flags & recordFlags.scanned) !== 0) {
    scanned(view, state)
    return false
  }
  const { timeNs } = view
  event.id = view.eventId
  event.nameInUse = 'kernel'
  event.previousTimeNs = event.number === 0 ? timeNs : event.timeNs
  event.timeNs = timeNs
  if (event.number === 0) event.firstTimeNs = timeNs
  event.number++
  const handle = handlers[view.eventId]
  const process = processOf(view, state, timeNs)
  event.process = process
  if (handle !== undefined) handle(view, state, process)
  return true
}

type Handler = (view: EventView, state: State, process: Process) => void

const byName: Readonly<Record<string, Handler>> = {
  execve: execute,
  execveat: execute,
  clone: fork,
  clone3: fork,
  fork,
  vfork: fork,
  procexit: end,
  connect: met,
  sendto: met,
  sendmsg: met,
  recvfrom: met,
  recvmsg: met,
  ...changes.handlers,
}

/** Captures tell the end of every thread: that of the first is taken for the process's, others that go on are learned again. */
function end(view: EventView, state: State, process: Process): void {
  if (view.tid === view.pid) state.processes.exit(process, view.timeNs)
}

const handlers: readonly (Handler | undefined)[] = events.map((row) => byName[row.name])

/** Whether the state follows an event: no filter may drop it. */
export const isFollowed = (eventName: string): boolean => byName[eventName] !== undefined

/** Known by pid and start time; otherwise entered from the record's header, and learned as far as /proc allows. */
function processOf(view: EventView, state: State, timeNs: bigint): Process {
  const { pid, startTimeNs } = view
  const known = state.processes.find(pid, startTimeNs)
  if (known !== undefined) return known
  const process = state.processes.enter(pid, startTimeNs, timeNs)
  if (!tellsImage[view.eventId]) state.learner.learn(process, view.parentPid, timeNs)
  return process
}

/** An exec that worked tells all that /proc could; it must not cost a look-up. */
const tellsImage = events.map((row) => row.name === 'execve' || row.name === 'execveat')
