/** Fields that Falco does not have: what our records tell beyond Falco's. */
import type { Event } from '../events/event.ts'
import { intOf } from '../events/parameter.ts'
import { events, recordFlags } from '../events/schema.ts'
import type { Field } from './index.ts'
import { processRow, row } from './row.ts'
import { hasTwoNames, passedName, isOpenEvent } from './subject.ts'

const hasFlag =
  (flag: number) =>
  ({ view }: Event) =>
    (view.flags & flag) !== 0

/** Names of the parameters that were cut, in wire order. */
const cutParameters = ({ id, view }: Event): string[] | undefined => {
  if ((view.flags & recordFlags.truncated) === 0) return undefined
  const found = (events[id]?.parameters ?? [])
    .filter((_parameter, index) => view.isTruncated(index))
    .map(({ name }) => name)
  return found.length === 0 ? undefined : found
}

const childPid = intOf('child_pid')

function threadMade({ view }: Event): boolean | undefined {
  const child = childPid(view)
  return child === undefined ? undefined : child === view.pid
}

export const ownFields: readonly Field[] = [
  row(
    'evt.is_truncated',
    'bool',
    'some text was longer than what is kept of it',
    hasFlag(recordFlags.truncated),
  ),
  row('evt.truncated', 'string', 'names of the parameters that were cut', cutParameters, {
    values: 'list',
  }),
  row(
    'evt.is_compat',
    'bool',
    'the call came through the 32-bit entry',
    hasFlag(recordFlags.compat),
  ),
  row(
    'evt.is_io_uring',
    'bool',
    'the call was submitted through io_uring',
    hasFlag(recordFlags.ioUring),
  ),
  row(
    'evt.is_struck',
    'bool',
    'the kernel killed the process inside this call',
    hasFlag(recordFlags.struck),
  ),
  row(
    'fd.name_differs',
    'bool',
    'the file that was opened is not the one that was named',
    (event) => (isOpenEvent(event) ? hasTwoNames(event) : undefined),
  ),
  row(
    'fd.name_passed',
    'string',
    'path as passed, joined and normalised, links not followed',
    passedName,
  ),
  processRow('proc.depth', 'uint', 'number of known ancestors', (process) => process.depth),
  processRow('proc.is_orphan', 'bool', 'whoever forked it has exited', (process) =>
    process.parent === undefined ? undefined : process.parent.exitedNs !== undefined,
  ),
  row('evt.is_thread', 'bool', 'the clone made a thread, not a process', threadMade),
]
