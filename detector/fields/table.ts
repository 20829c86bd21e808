/** The list of fields of system call events, and how a rule's text finds one. */
import { absentFields } from './absent.ts'
import { argumentFields, parameterIn, rawType } from './arguments.ts'
import { containerFields, containerRows } from './container.ts'
import { eventFields } from './event.ts'
import { fileFields } from './file.ts'
import { unknownField, useField } from './find-field.ts'
import { fsPathFields } from './fs-path.ts'
import type { Field, FieldTable, FieldUse } from './index.ts'
import { ownFields } from './own.ts'
import { podFields } from './pod.ts'
import { probeFields } from './probe.ts'
import { processFields } from './process.ts'
import { sessionFields } from './session.ts'
import { socketFields } from './socket.ts'
import { threadFields } from './thread.ts'
import { timeFields } from './time.ts'
import { userFields } from './user.ts'

const fields: readonly Field[] = [
  ...timeFields,
  ...eventFields,
  ...argumentFields,
  ...processFields,
  ...sessionFields,
  ...threadFields,
  ...fileFields,
  ...socketFields,
  ...fsPathFields,
  ...userFields,
  ...containerFields,
  ...podFields,
  ...probeFields,
  ...ownFields,
  ...absentFields,
]

/** What a container's runtime and the API server tell of it: missing until they have. */
export const lateFields: ReadonlySet<string> = new Set(
  [...containerRows, ...podFields, ...probeFields].map(({ name }) => name),
)

const byName = new Map(fields.map((field) => [field.name, field]))

/** Fields whose argument may stand after a dot, too: evt.arg.flags, evt.type.is.open. */
const dotted = ['evt.arg', 'evt.rawarg', 'evt.type.is', 'evt.abspath'] as const

/**
 * Falco's quirk: of `evt.arg.flagsx` the longest name that is one counts. So `text` of the answer may be shorter
 * than what was asked, and who asked for a template goes on behind it.
 */
function find(name: string, argument: string | undefined): FieldUse | { readonly problem: string } {
  const field = byName.get(name)
  if (field !== undefined)
    return use(field, argument, argument === undefined ? name : `${name}[${argument}]`)
  const base = dotted.find((prefix) => name.startsWith(`${prefix}.`))
  const owner = base === undefined ? undefined : byName.get(base)
  if (base === undefined || owner === undefined || argument !== undefined)
    return unknownField(name, byName.keys())
  const rest = name.slice(base.length + 1)
  const isParameter = base === 'evt.arg' || base === 'evt.rawarg'
  const found = isParameter ? (parameterIn(rest) ?? rest) : rest
  return use(owner, found, `${base}.${found}`)
}

function use(
  field: Field,
  argument: string | undefined,
  text: string,
): FieldUse | { readonly problem: string } {
  const found = useField(field, argument, text)
  return 'problem' in found ? found : { ...found, field: bindField(field, argument) }
}

/** With its argument a field may be narrower: one ancestor instead of any, the type of one parameter. */
function bindField(field: Field, argument: string | undefined): Field {
  if (argument === undefined) return field
  if (field.name === 'evt.rawarg') return { ...field, type: rawType(argument) }
  return field.values === 'any' ? { ...field, values: 'one' } : field
}

export const syscallFields: FieldTable = { find, fields }
