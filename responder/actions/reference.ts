/** docs/reference/actions.md, printed from the records. */
import { z } from 'zod'
import type { Action } from './action.ts'
import { variants } from './variants.ts'

export function printReference(actions: readonly Action[]): string {
  return `${[intro, ...actions.map(section)].join('\n\n')}\n`
}

const intro = `# Actions

Printed from \`responder/actions/\` by \`node scripts/print-actions.ts\`; do not edit.

A rule names actions under \`actions:\`, a policy under \`do:\`, as a name or as \`name: { parameter: value }\`. Risk classes, from harmless
to final: observe, notify, mark, contain, disrupt, destroy. A value that is written \`%field\` is the alert's value of that field.
Guards of the node hold below every policy: see [how enforcement works](../explanation/enforcement.md).`

function section({
  name,
  summary,
  risk,
  target,
  capabilities,
  rbac,
  undoes,
  parameters,
}: Action): string {
  const rows = parametersOf(parameters)
  return [
    `## ${name}`,
    summary,
    [
      `- risk: ${risk}`,
      `- target: ${target}`,
      `- undo: ${undoes ?? 'none'}`,
      `- needs on the node: ${capabilities.length === 0 ? 'nothing' : capabilities.join(', ')}`,
      ...(rbac.length === 0 ? [] : [`- needs in Kubernetes: ${rbac.map(right).join('; ')}`]),
    ].join('\n'),
    ...(rows.length === 0 ? [] : [table(rows)]),
  ].join('\n\n')
}

const table = (rows: readonly string[]): string =>
  ['| parameter | values | default | what |', '| --- | --- | --- | --- |', ...rows].join('\n')

function right({ apiGroups, resources, verbs, onlyWith }: Action['rbac'][number]): string {
  const groups = apiGroups.filter((group) => group !== '')
  const of = groups.length === 0 ? '' : ` (${groups.join(', ')})`
  const only = onlyWith === undefined ? '' : ` with ${code(variants[onlyWith].when)}`
  return `${verbs.join(', ')} ${resources.join(', ')}${of}${only}`
}

const propertySchema = z.looseObject({
  description: z.string().default(''),
  default: z.unknown().optional(),
  type: z.string().optional(),
  enum: z.array(z.string()).optional(),
  minimum: z.number().optional(),
  maximum: z.number().optional(),
  items: z.looseObject({ enum: z.array(z.string()).optional() }).optional(),
})
const objectSchema = z.looseObject({ properties: z.record(z.string(), propertySchema) })

function parametersOf(parameters: z.ZodType): string[] {
  const { properties } = objectSchema.parse(z.toJSONSchema(parameters, { io: 'input' }))
  return Object.entries(properties).map(([name, property]) => {
    const fallback =
      property.default === undefined ? 'required' : code(JSON.stringify(property.default))
    return `| ${code(name)} | ${valuesOf(property)} | ${fallback} | ${cell(property.description)} |`
  })
}

function valuesOf(property: z.infer<typeof propertySchema>): string {
  const choices = property.enum ?? property.items?.enum
  const some = choices?.map(code).join(', ')
  if (property.type === 'array') return some === undefined ? 'list' : `list of ${some}`
  if (some !== undefined) return some
  if (property.type === 'integer') return `${property.minimum} to ${property.maximum}`
  if (property.type === 'boolean') return '`true`, `false`'
  return property.type === 'object' ? 'map' : 'text'
}

const cell = (text: string): string => text.replaceAll('|', String.raw`\|`)
const code = (text: string): string => `\`${cell(text)}\``
