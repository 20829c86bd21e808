/** Helpers to write a field of audit events as one row. All of them are text or lists of text, as in Falco. */
import type { Field, FieldValue } from '../../../contract/condition/values.ts'
import type { AuditEvent } from '../../events/audit-event.ts'
import { index } from '../row.ts'
import { at, shown, shownList } from './walk.ts'

export type AuditField = Field<AuditEvent>

const common = {
  type: 'string',
  values: 'one',
  argument: 'none',
  isFilterOnly: false,
  isPlain: false,
  isDeprecated: false,
  source: 'k8s_audit',
} as const

export const text = (
  name: string,
  help: string,
  read: (event: AuditEvent) => string | undefined,
): AuditField => ({ ...common, name, help, bind: () => read })

/** What stands at a path of the event. */
export const textAt = (name: string, help: string, ...path: readonly string[]): AuditField =>
  text(name, help, ({ document }) => shown(at(document, ...path)))

export const listAt = (name: string, help: string, ...path: readonly string[]): AuditField => ({
  ...common,
  name,
  help,
  values: 'list',
  bind: () => (event) => shownList(at(event.document, ...path)),
})

export const list = (
  name: string,
  help: string,
  read: (event: AuditEvent) => readonly string[] | undefined,
): AuditField => ({ ...common, name, help, values: 'list', bind: () => read })

/** A list of which an index in brackets takes one element of what it is gathered from. */
export const indexedList = (
  name: string,
  help: string,
  read: (event: AuditEvent, index: number | undefined) => readonly string[] | undefined,
): AuditField => ({
  ...common,
  name,
  help,
  values: 'list',
  argument: 'optional',
  bind(argument) {
    const wanted = argument === undefined ? undefined : index(argument)
    if (argument !== undefined && wanted === undefined)
      return { problem: `${name} takes an index, from 0` }
    return (event) => read(event, wanted)
  },
})

/** A field that needs a key in brackets. */
export const keyed = (
  name: string,
  help: string,
  read: (event: AuditEvent, key: string) => FieldValue,
): AuditField => ({
  ...common,
  name,
  help,
  argument: 'required',
  bind:
    (key = '') =>
    (event) =>
      read(event, key),
})
