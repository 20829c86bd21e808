/** thread.*: the thread that caused the event, and what it may do. */
import { intOf } from '../events/parameter.ts'
import type { Event } from '../events/event.ts'
import type { Field } from './index.ts'
import { capabilityNames } from './names.ts'
import { indexed, processRow, row } from './row.ts'

const isMain = ({ view }: Event) => view.tid === view.pid
const names = (set: bigint | undefined) => (set === undefined ? undefined : capabilityNames(set))
const virtualTid = intOf('vtid')

/** `name=path`; a bare path is the unified tree, which every controller of it shares. */
function cgroup(cgroups: readonly string[], controller: string): string | undefined {
  for (const one of cgroups) {
    const equals = one.indexOf('=')
    if (equals >= 0 && one.slice(0, equals).split(',').includes(controller))
      return one.slice(equals + 1)
  }
  return cgroups.find((one) => one.startsWith('/'))
}

export const threadFields: readonly Field[] = [
  row('thread.tid', 'pid', 'thread id', ({ view }) => view.tid),
  row('thread.ismain', 'bool', 'whether it is the first thread of its process', isMain),
  processRow('thread.vtid', 'pid', 'thread id in its own namespace', (process, event) =>
    isMain(event) ? process.virtualPid : virtualTid(event.view),
  ),
  processRow('thread.cap_permitted', 'string', 'capabilities that it may use', (process) =>
    names(process.capPermitted),
  ),
  processRow('thread.cap_inheritable', 'string', 'capabilities that its programs get', (process) =>
    names(process.capInheritable),
  ),
  processRow('thread.cap_effective', 'string', 'capabilities in use', (process) =>
    names(process.capEffective),
  ),
  processRow('thread.pfmajor', 'uint', 'major page faults, at its exec', (p) => p.majorFaults),
  processRow('thread.pfminor', 'uint', 'minor page faults, at its exec', (p) => p.minorFaults),
  processRow('thread.cgroups', 'string', 'its cgroups', ({ cgroups }) =>
    cgroups.length === 0 ? undefined : cgroups.join(' '),
  ),
  indexed(
    'thread.cgroup',
    'string',
    'its cgroup in one hierarchy: thread.cgroup[memory]',
    (argument) =>
      argument === undefined
        ? { problem: 'thread.cgroup takes a controller: thread.cgroup[memory]' }
        : ({ process }) => (process === undefined ? undefined : cgroup(process.cgroups, argument)),
    { argument: 'required' },
  ),
  processRow('thread.vmsize', 'uint', 'virtual memory in KB of the main thread', (p, event) =>
    isMain(event) ? p.vmSize : 0,
  ),
  processRow('thread.vmrss', 'uint', 'resident memory in KB of the main thread', (p, event) =>
    isMain(event) ? p.vmRss : 0,
  ),
]
