/** The table of fields as text, Markdown or JSON. */
import { type Field } from '../detector/fields/index.ts'
import { syscallFields } from '../detector/fields/table.ts'
import { alignColumns } from './table.ts'

export function printFields(format: string, isNamesOnly: boolean, pattern = ''): string {
  const fields = syscallFields.fields.filter(({ name }) => name.includes(pattern))
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

function written({ name, argument }: Field): string {
  if (argument === 'none') return name
  return argument === 'optional' ? `${name}[ARG]?` : `${name}[ARG]`
}

const typeOf = ({ type, values, isFilterOnly }: Field) =>
  `${values === 'list' ? `list of ${type}` : type}${isFilterOnly ? ', filter only' : ''}`
