/** A process is made: from the parent's record, or from the child's own where a capture has it (res is 0). */
import { bigintOf, intOf } from '../events/parameter.ts'
import type { EventView } from '../events/view.ts'
import { type Process, inherit } from './process.ts'
import type { State } from './state.ts'

const result = intOf('res')
const childPid = intOf('child_pid')
const childStart = bigintOf('child_start')
const sessionId = intOf('sid')
const groupPid = intOf('pgid')
const virtualGroupPid = intOf('vpgid')

export function fork(view: EventView, state: State, caller: Process): void {
  const { processes, learner } = state
  const child = childPid(view)
  if (child === undefined) {
    if (result(view) !== 0) return
    const parent = caller.parent ?? learner.processOf(view.parentPid, view.timeNs)
    if (parent !== undefined) beget(state, parent, caller)
    return
  }
  // A thread belongs to the process that makes it.
  if (child === caller.pid) return
  const start = childStart(view)
  if (start === undefined) return
  const made = processes.enter(child, start, view.timeNs)
  // Falco's vpid is the caller's; what the call returns is the child's, in its own namespace.
  made.virtualPid = result(view) ?? child
  beget(state, caller, made)
  if (made.isImageKnown) return
  made.sessionId = sessionId(view) ?? made.sessionId
  made.groupPid = groupPid(view) ?? made.groupPid
  made.virtualGroupPid = virtualGroupPid(view) ?? made.virtualGroupPid
}

/** The child's exec may have been told first: then only the lineage is news. */
function beget({ processes }: State, parent: Process, child: Process): void {
  if (!child.isImageKnown) inherit(child, parent)
  processes.adopt(child, parent)
}
