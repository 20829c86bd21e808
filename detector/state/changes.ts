/** Calls by which a process changes what is known of it. A failing call changes nothing. */
import { bigintOf, intOf, textOf } from '../events/parameter.ts'
import type { EventView } from '../events/view.ts'
import type { Process } from './process.ts'
import type { State } from './state.ts'

type Change = (process: Process, view: EventView, result: number) => void

const result = intOf('res')
const text = textOf('arg2_str')
const option = intOf('option')
const cwd = textOf('cwd')
const groupId = intOf('gid')
const effectiveGroupId = intOf('egid')
const pid = intOf('pid')
const groupPid = intOf('pgid')
const capInheritable = bigintOf('cap_inheritable')
const capPermitted = bigintOf('cap_permitted')
const capEffective = bigintOf('cap_effective')

/** <linux/prctl.h> */
const PR_SET_NAME = 15
/** TASK_COMM_LEN without its NUL. */
const NAME_LENGTH = 15

function moveTo(process: Process, view: EventView): void {
  process.cwd = cwd(view) ?? process.cwd
}

/** The name is the thread's; the process goes by its leader's. */
function rename(process: Process, view: EventView): void {
  const name = text(view)
  if (option(view) !== PR_SET_NAME || name === undefined || view.tid !== view.pid) return
  process.name = Buffer.byteLength(name) > NAME_LENGTH ? cut(name) : name
  process.commandLine = undefined
}

const cut = (name: string) => Buffer.from(name).subarray(0, NAME_LENGTH).toString()

function beginSession(process: Process, _view: EventView, session: number): void {
  process.sessionId = process.pid
  process.groupPid = process.pid
  process.virtualGroupPid = session
}

/** Of itself only; both numbers are in the caller's pid namespace. */
function joinGroup(process: Process, view: EventView): void {
  const target = pid(view) ?? 0
  if (target !== 0 && target !== process.virtualPid) return
  const group = groupPid(view) ?? 0
  process.virtualGroupPid = group === 0 ? process.virtualPid : group
  const isInitialNamespace = process.virtualPid === process.pid
  process.groupPid = isInitialNamespace ? process.virtualGroupPid : undefined
}

function setGroup(process: Process, view: EventView): void {
  const group = groupId(view) ?? effectiveGroupId(view)
  // -1 leaves it as it is.
  if (group !== undefined && group >= 0 && group !== 0xffff_ffff) process.groupId = group
}

function setCapabilities(process: Process, view: EventView): void {
  process.capInheritable = capInheritable(view) ?? process.capInheritable
  process.capPermitted = capPermitted(view) ?? process.capPermitted
  process.capEffective = capEffective(view) ?? process.capEffective
}

const ifDone =
  (change: Change) =>
  (view: EventView, _state: State, process: Process): void => {
    const value = result(view)
    if (value !== undefined && value >= 0) change(process, view, value)
  }

export const handlers = {
  chdir: ifDone(moveTo),
  fchdir: ifDone(moveTo),
  prctl: ifDone(rename),
  setsid: ifDone(beginSession),
  setpgid: ifDone(joinGroup),
  setgid: ifDone(setGroup),
  setregid: ifDone(setGroup),
  setresgid: ifDone(setGroup),
  capset: ifDone(setCapabilities),
}
