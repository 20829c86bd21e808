/** Parameters as Falco shows them: a plain text, and beside it what it stands for (`3` and `<f>/etc/passwd`). */
import type { Event } from '../events/event.ts'
import { events } from '../events/schema.ts'
import { countOfFalco, kindOf } from './parameter-kinds.ts'
import { type Show, type Shown, showerOf } from './parameter-show.ts'

/** For each event, for each of its parameters, how it is shown. */
const showers: readonly (readonly Show[])[] = events.map((row) =>
  row.parameters.map(({ name, type }) => showerOf(kindOf(row.name, name, type), name)),
)

/** undefined where the event has no such parameter. A value that could not be had is `<NA>`, bytes `NULL`. */
function show(event: Event, parameter: number): Shown | undefined {
  const shower = showers[event.view.eventId]?.[parameter]
  if (shower === undefined) return undefined
  return shower(event, parameter) ?? absent(event.view.eventId, parameter)
}

/** evt.arg: what it stands for, or else the plain text. */
export function showArgument(event: Event, parameter: number): string | undefined {
  const shown = show(event, parameter)
  if (shown === undefined) return undefined
  return shown.resolved === '' ? shown.plain : shown.resolved
}

/** evt.args: `name=plain(resolved)` of Falco's parameters, a blank between two. */
export function showAll(event: Event): string {
  const row = events[event.view.eventId]
  if (row === undefined) return ''
  return row.parameters
    .slice(0, falcoCount[event.view.eventId])
    .map(({ name }, parameter) => {
      const { plain, resolved } = show(event, parameter) ?? missing
      return resolved === '' ? `${name}=${plain}` : `${name}=${plain}(${resolved})`
    })
    .join(' ')
}

/** Ours stand after Falco's, and only rules that know them ask for them. */
const falcoCount = events.map((row) => countOfFalco(row))

const missing: Shown = { plain: '<NA>', resolved: '' }
const missingBytes: Shown = { plain: 'NULL', resolved: '' }

function absent(eventId: number, parameter: number): Shown {
  const type = events[eventId]?.parameters[parameter]?.type
  return type === 'bytes' || type === 'socket' || type === 'list' ? missingBytes : missing
}
