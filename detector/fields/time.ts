/** evt.* of every source: number, times, host. Times are the event's, on the wall clock. */
import type { Event } from '../events/event.ts'
import type { Field, FieldType, Scalar } from './index.ts'
import { missingRow, row } from './row.ts'
import * as text from './time-text.ts'

const wall = ({ view, state }: Event) => state.host.wallTimeNs(view.timeNs)
const since = (event: Event) => event.view.timeNs - event.firstTimeNs
const delta = (event: Event) => event.view.timeNs - event.previousTimeNs
const any = { source: 'any' } as const

/** Nanoseconds within a second print with their leading zeros. */
const padded = (value: Scalar) => String(value).padStart(9, '0')

/** A time as it is, its whole seconds, and the nanoseconds beyond them. */
const inParts = (
  name: string,
  type: FieldType,
  help: string,
  read: (event: Event) => bigint,
  source: Field['source'],
): Field[] => [
  row(name, type, `${help}, in nanoseconds`, read, { source }),
  row(`${name}.s`, type, `${help}, its whole seconds`, (event) => text.seconds(read(event)), {
    source,
  }),
  row(`${name}.ns`, type, `${help}, beyond the second`, (event) => text.nanoseconds(read(event)), {
    source,
    print: padded,
  }),
]

export const timeFields: readonly Field[] = [
  row('evt.num', 'uint', 'number of the event, from 1', (event) => event.number, any),
  row(
    'evt.time',
    'string',
    'time of the event: 13:20:01.123456789',
    (e) => text.clockExact(wall(e)),
    any,
  ),
  row('evt.time.s', 'string', 'time of the event: 13:20:01', (e) => text.clock(wall(e)), any),
  row(
    'evt.time.iso8601',
    'string',
    'time of the event in UTC: 2026-11-21T12:20:01.123456789+0000',
    (e) => text.iso8601(wall(e)),
    any,
  ),
  row('evt.datetime', 'string', 'date and time', (e) => text.dateClockExact(wall(e)), any),
  row(
    'evt.datetime.s',
    'string',
    'date and time to the second',
    (e) => text.dateClock(wall(e)),
    any,
  ),
  ...inParts('evt.rawtime', 'abstime', 'time of the event since 1970', wall, 'any'),
  ...inParts('evt.reltime', 'reltime', 'time since the first event', since, 'any'),
  ...inParts('evt.deltatime', 'reltime', 'time since the event before', delta, 'syscall'),
  row('evt.hostname', 'string', 'name of the host', ({ state }) => state.host.hostname, any),
  row('evt.source', 'string', 'source of the event', () => 'syscall', any),
  row('evt.is_async', 'bool', 'whether a source sent it out of turn', () => false, any),
  missingRow('evt.asynctype', 'string', 'type of an asynchronous event', any),
  missingRow('evt.pluginname', 'string', 'plugin that the event came from', any),
  missingRow('evt.plugininfo', 'string', "the plugin's own text of the event", any),
]
