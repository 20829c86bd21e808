/** How a rule's text finds a field in a list of rows. */
import type { Field, FieldTable, FieldUse } from '../../contract/condition/values.ts'
import { fieldText } from '../../contract/condition/values.ts'
import { nearest } from '../../contract/problem.ts'

interface Refused {
  readonly problem: string
}

export function unknownField(name: string, known: Iterable<string>): Refused {
  const near = nearest(name, known)
  const remedy = near === undefined ? '' : `; did you mean ${near}?`
  return { problem: `unknown field ${JSON.stringify(name)}${remedy}` }
}

/** The field with its argument bound; `text` is how it is called in `output_fields`. */
export function useField<Subject>(
  field: Field<Subject>,
  argument: string | undefined,
  text: string,
): FieldUse<Subject> | Refused {
  if (argument === undefined && field.argument === 'required')
    return { problem: `${field.name} needs an argument: ${field.help}` }
  if (argument !== undefined && field.argument === 'none')
    return { problem: `${field.name} takes no argument` }
  const bound = field.bind(argument)
  return typeof bound === 'function' ? { field, text, argument, read: bound } : bound
}

/** A table in which a name is a row's name and nothing else. */
export function tableOf<Subject>(fields: readonly Field<Subject>[]): FieldTable<Subject> {
  const byName = new Map(fields.map((field) => [field.name, field]))
  return {
    fields,
    find(name, argument) {
      const field = byName.get(name)
      return field === undefined
        ? unknownField(name, byName.keys())
        : useField(field, argument, fieldText(name, argument))
    },
  }
}
