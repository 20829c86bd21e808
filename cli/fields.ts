/** The table of fields as text, Markdown or JSON. */
import type { Field } from '../contract/condition/values.ts'
import { unknownName } from '../contract/problem.ts'
import { ruleSources } from '../detector/rule-sources.ts'
import { alignColumns } from './table.ts'
import { CommandFailure } from './terminal.ts'

export interface FieldsWanted {
  readonly format: string
  readonly isNamesOnly: boolean
  /** Part of the name. */
  readonly pattern?: string
  /** Of this event source only. */
  readonly source?: string | undefined
}

export function printFields({ format, isNamesOnly, pattern = '', source }: FieldsWanted): string {
  const fields = fieldsOf(source).filter(({ name }) => name.includes(pattern))
  if (isNamesOnly) return fields.map(({ name }) => name).join('\n')
  if (format === 'json')
    return JSON.stringify(
      fields.map((field) => ({
        name: field.name,
        type: field.type,
        values: field.values,
        argument: field.argument,
        filter_only: field.isFilterOnly,
        deprecated: field.isDeprecated,
        description: field.help,
      })),
      undefined,
      2,
    )
  const rows = fields.map((field) => [written(field), typeOf(field), field.help])
  if (format === 'markdown')
    return [
      '| field | type | what it is |',
      '| --- | --- | --- |',
      ...rows.map((row) => `| \`${row[0]}\` | ${row[1]} | ${row[2]} |`),
    ].join('\n')
  return alignColumns([['FIELD', 'TYPE', 'WHAT IT IS'], ...rows])
}

/** Those of every source share the generic ones. */
function fieldsOf(source: string | undefined): readonly Field<never>[] {
  const sources = ruleSources.filter(({ name }) => source === undefined || name === source)
  if (sources.length === 0) {
    const names = ruleSources.map(({ name }) => name)
    throw new CommandFailure(unknownName('event source', source ?? '', names))
  }
  const all = sources.flatMap(({ fields }) => fields.fields)
  return [...new Map(all.toReversed().map((field) => [field.name, field])).values()].toReversed()
}

function written({ name, argument }: Field<never>): string {
  if (argument === 'none') return name
  return argument === 'optional' ? `${name}[ARG]?` : `${name}[ARG]`
}

const typeOf = ({ type, values, isFilterOnly }: Field<never>) =>
  `${values === 'list' ? `list of ${type}` : type}${isFilterOnly ? ', filter only' : ''}`
