/** proc.sid, proc.pgid, proc.vpgid: the session and the process groups, and who leads them. */
import type { Event } from '../events/event.ts'
import type { Process } from '../state/process.ts'
import type { Field } from './index.ts'
import { processRow } from './row.ts'

type IdOf = (process: Process) => number | undefined
/** The leader's own pid as the id counts it. */
type Leader = { readonly id: IdOf; readonly own: IdOf }

const session: Leader = { id: (process) => process.sessionId, own: (process) => process.pid }
const group: Leader = { id: (process) => process.groupPid, own: (process) => process.pid }
const virtualGroup: Leader = {
  id: (process) => process.virtualGroupPid,
  own: (process) => process.virtualPid,
}

/** The leader, or when it is gone the highest ancestor that is still of the same session or group. */
function leaderOf(process: Process, { id, own }: Leader): Process | undefined {
  const wanted = id(process)
  if (wanted === undefined) return undefined
  let highest = process
  for (let above: Process | undefined = process; above !== undefined; above = above.parent) {
    if (id(above) !== wanted) break
    highest = above
    if (own(above) === wanted) return above
  }
  return highest
}

const isLeader =
  ({ id, own }: Leader) =>
  (process: Process) =>
    id(process) !== undefined && id(process) === own(process)

const group3 = (name: string, nameField: string, what: string, leader: Leader): Field[] => [
  processRow(name, 'pid', `id of its ${what}`, (process) => leader.id(process)),
  processRow(
    nameField,
    'string',
    `name of the leader of its ${what}`,
    (process, event) => current(leader, process, event)?.name,
  ),
  processRow(
    `${name}.exe`,
    'string',
    `argv[0] of the leader of its ${what}`,
    (process, event) => current(leader, process, event)?.exe,
  ),
  processRow(
    `${name}.exepath`,
    'string',
    `path that the leader of its ${what} runs`,
    (p, event) => current(leader, p, event)?.exePath,
  ),
]

/** A leader need not be an ancestor: the table knows it by its pid, if it is no younger than the process. */
function current(leader: Leader, process: Process, { state }: Event): Process | undefined {
  const id = leader === virtualGroup ? undefined : leader.id(process)
  const found = id === undefined ? undefined : state.processes.current(id)
  if (found !== undefined && found.startTimeNs <= process.startTimeNs) return found
  return leaderOf(process, leader)
}

export const sessionFields: readonly Field[] = [
  ...group3('proc.sid', 'proc.sname', 'session', session),
  ...group3('proc.pgid', 'proc.pgid.name', 'process group', group),
  ...group3('proc.vpgid', 'proc.vpgid.name', 'process group in its namespace', virtualGroup),
  processRow('proc.is_sid_leader', 'bool', 'leads its session', isLeader(session)),
  processRow('proc.is_pgid_leader', 'bool', 'leads its process group', isLeader(group)),
  processRow(
    'proc.is_vpgid_leader',
    'bool',
    'leads its process group in its namespace',
    isLeader(virtualGroup),
  ),
]
