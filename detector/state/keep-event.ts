/**
 * An event that outlives its turn. Its record and its processes are copied; of what its fields ask of the state beside
 * those, an answer once given is given again. Only its container goes on being the one that everybody learns of.
 */
import type { Event, FieldState } from '../events/event.ts'
import type { Process } from './process.ts'

export interface KeptEvent {
  readonly event: Event
  /** What it takes in memory, about. */
  readonly bytes: number
}

const EVENT_BYTES = 1024
const PROCESS_BYTES = 512

export function keepEvent(event: Event): KeptEvent {
  const copies = new Map<Process, Process>()
  const copy = (process: Process | undefined) => copied(process, copies)
  const kept: Event = {
    ...event,
    view: event.view.keep(),
    process: copy(event.process),
    state: remembering(event.state, copy),
    derived: { ...event.derived, number: NOT_DERIVED },
  }
  const { args = [], env = [] } = event.process ?? {}
  const texts = [...args, ...env].reduce((sum, text) => sum + text.length, 0)
  const bytes = EVENT_BYTES + kept.view.byteLength + copies.size * PROCESS_BYTES + texts
  return { event: kept, bytes }
}

const NOT_DERIVED = -1

/** With all above it; what no field reads is left out. */
function copied(process: Process | undefined, copies: Map<Process, Process>): Process | undefined {
  if (process === undefined) return undefined
  const known = copies.get(process)
  if (known !== undefined) return known
  const copy = { ...process, peers: undefined, replaced: undefined }
  copies.set(process, copy)
  copy.parent = copied(process.parent, copies)
  return copy
}

function remembering(
  { host, users, processes }: FieldState,
  copy: (process: Process | undefined) => Process | undefined,
): FieldState {
  const leaders = new Map<number, Process | undefined>()
  const current = (pid: number) => {
    if (!leaders.has(pid)) leaders.set(pid, copy(processes.current(pid)))
    return leaders.get(pid)
  }
  return {
    host,
    users: {
      userName: remembered((owner, id) => users.userName(owner, id)),
      homeOf: remembered((owner, id) => users.homeOf(owner, id)),
      shellOf: remembered((owner, id) => users.shellOf(owner, id)),
      groupName: remembered((owner, id) => users.groupName(owner, id)),
    },
    processes: { current },
  }
}

type NameOf = (owner: Process | undefined, id: number) => string

/** Of one event all owners are in the same container. */
function remembered(read: NameOf): NameOf {
  const known = new Map<number, string>()
  return (owner, id) => {
    const name = known.get(id) ?? read(owner, id)
    known.set(id, name)
    return name
  }
}
