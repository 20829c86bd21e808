/** A process runs a new image, or is found running one by the scan. */
import { intOf, bigintOf, listOf, textOf } from '../events/parameter.ts'
import type { EventView } from '../events/view.ts'
import { containerOf } from './containers.ts'
import type { Process } from './process.ts'
import type { State } from './state.ts'

/** execve, execveat. A failing one (res below 0) leaves the old image as it was. */
export function execute(view: EventView, state: State, process: Process): void {
  if ((result(view) ?? 0) < 0) {
    if (!process.isImageKnown) state.learner.learn(process, view.parentPid, view.timeNs)
    return
  }
  image(view, state, process)
  if (process.parent !== undefined) return
  const parent = state.learner.processOf(view.parentPid, view.timeNs)
  if (parent === undefined) process.parentPid = view.parentPid
  else state.processes.adopt(process, parent)
}

/** A task that already ran when the detector started, told in the form of an exec. */
export function scanned(view: EventView, state: State): void {
  const process = state.processes.enter(view.pid, view.startTimeNs, view.timeNs)
  if (process.isImageKnown && process.parent !== undefined) return
  if (!process.isImageKnown) image(view, state, process)
  state.processes.adoptByPid(process, view.parentPid)
}

const result = intOf('res')
const exe = textOf('exe')
const args = listOf('args')
const env = listOf('env')
const cwd = textOf('cwd')
const comm = textOf('comm')
const cgroups = listOf('cgroups')
const exePath = textOf('trusted_exepath')
const tty = intOf('tty')
const loginUserId = intOf('loginuid')
const groupId = intOf('gid')
const flags = intOf('flags')
const sessionId = intOf('sid')
const groupPid = intOf('pgid')
const virtualGroupPid = intOf('vpgid')
const virtualPid = intOf('vpid')
const inode = intOf('exe_ino')
const changedNs = bigintOf('exe_ino_ctime')
const modifiedNs = bigintOf('exe_ino_mtime')
const capInheritable = bigintOf('cap_inheritable')
const capPermitted = bigintOf('cap_permitted')
const capEffective = bigintOf('cap_effective')
const fdLimit = intOf('fdlimit')
const majorFaults = intOf('pgft_maj')
const minorFaults = intOf('pgft_min')
const vmSize = intOf('vm_size')
const vmRss = intOf('vm_rss')
const vmSwap = intOf('vm_swap')
const namespaceStartNs = bigintOf('pidns_init_start_ts')

/** What the new image has afresh is taken as it is, also if missing; what survives an exec only if it is told. */
function image(view: EventView, state: State, process: Process): void {
  process.isImageKnown = true
  process.commandLine = undefined
  process.name = comm(view)
  process.exe = exe(view)
  process.exePath = exePath(view)
  process.args = args(view) ?? []
  process.env = env(view) ?? []
  process.exeFlags = flags(view) ?? 0
  process.exeInode = inode(view)
  process.exeChangedNs = changedNs(view)
  process.exeModifiedNs = modifiedNs(view)
  process.userId = view.userId
  process.majorFaults = majorFaults(view)
  process.minorFaults = minorFaults(view)
  process.vmSize = vmSize(view)
  process.vmRss = vmRss(view)
  process.vmSwap = vmSwap(view)
  process.cwd = cwd(view) ?? process.cwd
  process.tty = tty(view) ?? process.tty
  process.groupId = groupId(view) ?? process.groupId
  process.sessionId = sessionId(view) ?? process.sessionId
  process.groupPid = groupPid(view) ?? process.groupPid
  process.virtualGroupPid = virtualGroupPid(view) ?? process.virtualGroupPid
  process.virtualPid = virtualPid(view) ?? process.virtualPid
  process.capInheritable = capInheritable(view) ?? process.capInheritable
  process.capPermitted = capPermitted(view) ?? process.capPermitted
  process.capEffective = capEffective(view) ?? process.capEffective
  process.fdLimit = fdLimit(view) ?? process.fdLimit
  process.pidNamespaceStartNs = namespaceStartNs(view) ?? process.pidNamespaceStartNs
  const login = loginUserId(view)
  // INVALID_UID is all ones; people and rules know it as -1.
  if (login !== undefined) process.loginUserId = login === 0xffff_ffff ? -1 : login
  place(process, state, cgroups(view))
}

function place(process: Process, state: State, found: readonly string[] | undefined): void {
  if (found === undefined) return
  const container = containerOf(found)
  process.cgroups = found
  process.containerId = container.id
  process.fullContainerId = container.fullId
  process.container = state.containers.enter(container)
}
