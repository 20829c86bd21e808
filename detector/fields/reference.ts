/** Prints docs/reference/fields.md from the rows: `node detector/fields/reference.ts > docs/reference/fields.md`. */
import { absentFields } from './absent.ts'
import type { Field } from '../../contract/condition/values.ts'
import { genericAuditFields, jsonFields, kaFields } from './k8s-audit/index.ts'
import { ownFields } from './own.ts'
import { syscallFields } from './table.ts'

const argument = { none: '', optional: '[x]', required: '[x]' } as const

const remarks = (field: Field<never>): string =>
  [
    field.isDeprecated ? 'deprecated' : '',
    field.isFilterOnly ? 'conditions only' : '',
    field.values === 'list' ? 'a list' : '',
    field.values === 'any' ? 'any ancestor without an index' : '',
    field.values === 'endpoints' ? 'either end' : '',
  ]
    .filter(Boolean)
    .join(', ')

const cells = (field: Field<never>): string[] => [
  `\`${field.name}${argument[field.argument]}\``,
  field.type,
  field.help,
  remarks(field),
]

/** A table with its columns aligned, as prettier leaves it. */
function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((title, column) =>
    Math.max(title.length, 3, ...rows.map((row) => row[column]?.length ?? 0)),
  )
  const line = (row: readonly string[], fill = ' ') =>
    `| ${widths.map((width, column) => (row[column] ?? '').padEnd(width, fill)).join(' | ')} |`
  return [line(head), line([], '-'), ...rows.map((row) => line(row))].join('\n')
}

const section = (title: string, text: string, fields: readonly Field<never>[]) =>
  `## ${title}\n\n${text}\n\n${table(['field', 'type', 'what it is', 'remarks'], fields.map(cells))}\n`

export function fieldsReference(): string {
  const others = new Set([...ownFields, ...absentFields])
  const falcos = syscallFields.fields.filter((field) => !others.has(field))
  return [
    '# Fields\n',
    'What conditions and outputs of rules may name: rules on system calls, and at the end of the page rules with `source: k8s_audit`. Printed from the rows in `detector/fields/`.\n',
    section(
      "Falco's fields",
      "They mean what they mean in Falco 0.44; a value that cannot be had is missing, and a comparison with it is false. Of an opened file `fd.name` is the file that the kernel opened; where the name that was passed is another, rules are judged once with each. `user.*` is as whom the event happened, not the exec. A parent that has exited is still the parent: `proc.pname` is who forked the process. `fd.lip` and `fd.rip` are the socket's own and its peer's address as the kernel has them.",
      falcos,
    ),
    section('Our own fields', 'Falco does not have these.', ownFields),
    section(
      'Fields that are always missing',
      'Rules that name them load. Each says why nothing answers it.',
      absentFields,
    ),
    section(
      'Kubernetes audit events',
      `Of rules with \`source: k8s_audit\`, with the names and meanings of Falco's k8saudit plugin; every value is text. An index in brackets takes one element of a list. Each of ${genericAuditFields.map(({ name }) => `\`${name}\``).join(', ')} means what it means above.`,
      kaFields,
    ),
    section(
      'Any part of an audit event',
      'By [JSON pointer](https://www.rfc-editor.org/rfc/rfc6901), which writes `/` inside a name as `~1`: `jevt.value[/annotations/authorization.k8s.io~1decision]`.',
      jsonFields,
    ),
  ].join('\n')
}

if (import.meta.main) process.stdout.write(fieldsReference())
