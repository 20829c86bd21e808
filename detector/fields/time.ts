/** evt.* of every source: number, times, host. Times are the event's, on the wall clock. */
import type { Event } from '../events/event.ts'
import type * as condition from '../../contract/condition/values.ts'
import type { Field, FieldType, Scalar } from './index.ts'
import { row } from './row.ts'
import * as text from './time-text.ts'

/** What the fields of every source are made of. */
export interface Generic<Subject> {
  readonly number: (event: Subject) => number
  readonly wallNs: (event: Subject) => bigint
  readonly sinceFirstNs: (event: Subject) => bigint
  readonly hostname: (event: Subject) => string
  readonly source: Exclude<Field['source'], 'any'>
  /** Which of Falco's plugins would have sent the event, and its own text of it. */
  readonly plugin?: { readonly name: string; readonly info: (event: Subject) => string }
}

const any = { source: 'any' } as const

/** Nanoseconds within a second print with their leading zeros. */
const padded = (value: Scalar) => String(value).padStart(9, '0')

/** A time as it is, its whole seconds, and the nanoseconds beyond them. */
const inParts = <Subject>(
  name: string,
  type: FieldType,
  help: string,
  read: (event: Subject) => bigint,
  source: Field['source'],
): condition.Field<Subject>[] => [
  row<Subject>(name, type, `${help}, in nanoseconds`, read, { source }),
  row<Subject>(
    `${name}.s`,
    type,
    `${help}, its whole seconds`,
    (event) => text.seconds(read(event)),
    {
      source,
    },
  ),
  row<Subject>(
    `${name}.ns`,
    type,
    `${help}, beyond the second`,
    (event) => text.nanoseconds(read(event)),
    {
      source,
      print: padded,
    },
  ),
]

export function genericFields<Subject>(of: Generic<Subject>): readonly condition.Field<Subject>[] {
  const { wallNs, plugin } = of
  const time = (name: string, help: string, print: (timeNs: bigint) => string) =>
    row<Subject>(name, 'string', help, (event) => print(wallNs(event)), any)
  return [
    row<Subject>('evt.num', 'uint', 'number of the event, from 1', of.number, any),
    time('evt.time', 'time of the event: 13:20:01.123456789', text.clockExact),
    time('evt.time.s', 'time of the event: 13:20:01', text.clock),
    time(
      'evt.time.iso8601',
      'time of the event in UTC: 2026-11-21T12:20:01.123456789+0000',
      text.iso8601,
    ),
    time('evt.datetime', 'date and time', text.dateClockExact),
    time('evt.datetime.s', 'date and time to the second', text.dateClock),
    ...inParts('evt.rawtime', 'abstime', 'time of the event since 1970', wallNs, 'any'),
    ...inParts('evt.reltime', 'reltime', 'time since the first event', of.sinceFirstNs, 'any'),
    row<Subject>('evt.hostname', 'string', 'name of the host', of.hostname, any),
    row<Subject>('evt.source', 'string', 'source of the event', () => of.source, any),
    row<Subject>('evt.is_async', 'bool', 'whether a source sent it out of turn', () => false, any),
    row<Subject>('evt.asynctype', 'string', 'type of an asynchronous event', () => undefined, any),
    row<Subject>('evt.pluginname', 'string', 'plugin that the event came from', () => plugin?.name, any),
    row<Subject>('evt.plugininfo', 'string', "the plugin's own text of the event", (event) => plugin?.info(event), any),
  ] // prettier-ignore
}

export const timeFields: readonly Field[] = [
  ...genericFields<Event>({
    number: (event) => event.number,
    wallNs: ({ view, state }) => state.host.wallTimeNs(view.timeNs),
    sinceFirstNs: (event) => event.view.timeNs - event.firstTimeNs,
    hostname: ({ state }) => state.host.hostname,
    source: 'syscall',
  }),
  ...inParts<Event>(
    'evt.deltatime',
    'reltime',
    'time since the event before',
    (event) => event.view.timeNs - event.previousTimeNs,
    'syscall',
  ),
]
