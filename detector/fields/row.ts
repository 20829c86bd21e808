/** Helpers to write a field as one row; everything that a row does not say has the common value. */
import type { Event } from '../events/event.ts'
import type { Process } from '../state/process.ts'
import { ancestor } from '../state/process.ts'
import type * as condition from '../../contract/condition/values.ts'
import type { Field, FieldType, FieldValue, Scalar } from './index.ts'

export type Options = Partial<Omit<Field, 'name' | 'type' | 'help' | 'bind'>>

const common = {
  values: 'one',
  argument: 'none',
  isFilterOnly: false,
  isPlain: false,
  isDeprecated: false,
  source: 'syscall',
} as const

/** A field without an argument. */
export const row = <Subject = Event>(
  name: string,
  type: FieldType,
  help: string,
  read: condition.Reader<Subject>,
  options: Options = {},
): condition.Field<Subject> => ({ ...common, name, type, help, ...options, bind: () => read })

/** A field that takes an argument in brackets; `bind` answers a reader or says what is wrong with it. */
export const indexed = (
  name: string,
  type: FieldType,
  help: string,
  bind: Field['bind'],
  options: Options = {},
): Field => ({ ...common, argument: 'optional', name, type, help, ...options, bind })

/** A field of the event's process; missing where the process is not known. */
export const processRow = (
  name: string,
  type: FieldType,
  help: string,
  read: (process: Process, event: Event) => FieldValue,
  options: Options = {},
): Field =>
  row(
    name,
    type,
    help,
    (event) => (event.process === undefined ? undefined : read(event.process, event)),
    options,
  )

/** A field of the process that forked the event's. */
export const parentRow = (
  name: string,
  type: FieldType,
  help: string,
  read: (process: Process, event: Event) => FieldValue,
): Field =>
  row(name, type, help, (event) => {
    const parent = event.process?.parent
    return parent === undefined ? undefined : read(parent, event)
  })

/** Of an ancestor: [0] is the process itself, [1] its parent; without an index, of any above it. */
export const ancestorRow = (
  name: string,
  type: FieldType,
  help: string,
  read: (process: Process) => Scalar | undefined,
): Field =>
  indexed(
    name,
    type,
    help,
    (argument) => {
      if (argument === undefined) return (event) => lineage(event.process?.parent, read)
      const level = index(argument)
      if (level === undefined)
        return { problem: `${name} takes a level: 0 for the process, 1 for its parent` }
      return (event) => {
        const found = ancestor(event.process, level)
        return found === undefined ? undefined : read(found)
      }
    },
    { values: 'any', isPlain: true },
  )

function lineage(
  nearest: Process | undefined,
  read: (process: Process) => Scalar | undefined,
): FieldValue {
  if (nearest === undefined) return undefined
  const found: Scalar[] = []
  for (let above: Process | undefined = nearest; above !== undefined; above = above.parent) {
    const value = read(above)
    if (value !== undefined) found.push(value)
  }
  return found.length === 0 ? undefined : found
}

/** A non-negative whole number, or undefined when the argument is none. */
export const index = (argument: string): number | undefined =>
  /^\d{1,9}$/.test(argument) ? Number(argument) : undefined

/** A field that Falco has and our records cannot answer: it loads, and is always missing. */
export const missingRow = (
  name: string,
  type: FieldType,
  help: string,
  options: Options = {},
): Field => row(name, type, help, () => undefined, options)
