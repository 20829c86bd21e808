/** A table of plain fields for the condition language: name → type and reader, nothing else. */
import type { ConditionProblem } from '../../contract/condition/check.ts'
import type { FieldTable, FieldType, FieldValue } from '../../contract/condition/values.ts'
import { unknownName } from '../../contract/problem.ts'

export interface PlainField<Subject> {
  readonly type: Extract<FieldType, 'string' | 'int' | 'bool'>
  /** `text` is the field as it was written: `proc.aname[2]`. */
  readonly read: (subject: Subject, text: string) => FieldValue
}

export function plainFields<Subject>(
  fields: ReadonlyMap<string, PlainField<Subject>>,
): FieldTable<Subject> {
  return {
    fields: [],
    find(name, argument) {
      const plain = fields.get(name)
      if (plain === undefined) return { problem: unknownName('field', name, fields.keys()) }
      const text = argument === undefined ? name : `${name}[${argument}]`
      const read = (subject: Subject) => plain.read(subject, text)
      const field = {
        name,
        type: plain.type,
        help: '',
        values: 'one',
        argument: 'optional',
        isFilterOnly: false,
        isPlain: false,
        isDeprecated: false,
        source: 'any',
        bind: () => read,
      } as const
      return { field, text, argument, read }
    },
  }
}

/** Falco's sentence for an unknown field says less than our own, which names the nearest. */
export const remarkOn = ({ message, hint, isUnknownField }: ConditionProblem): string =>
  isUnknownField ? (hint ?? message) : message
