/** The keys of a configuration as a Markdown table, read from its schema: what pages under docs/reference are printed from. */
import { z } from 'zod'

interface Setting {
  /** With dots between the levels. */
  readonly key: string
  readonly values: string
  readonly fallback: string
  readonly what: string
}

const nodeSchema = z.looseObject({
  type: z.string().optional(),
  description: z.string().default(''),
  default: z.unknown().optional(),
  enum: z.array(z.string()).optional(),
  anyOf: z.array(z.unknown()).optional(),
  items: z.unknown().optional(),
  properties: z.record(z.string(), z.unknown()).optional(),
  required: z.array(z.string()).default([]),
})
type Node = z.infer<typeof nodeSchema>

/** `prefix` stands before each key. */
export function settingsTable(schema: z.ZodType, prefix = ''): string {
  const root = nodeSchema.parse(z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }))
  const rows = settingsOf(root, prefix).map(
    ({ key, values, fallback, what }) => `| ${key} | ${values} | ${fallback} | ${what} |`,
  )
  return ['| key | values | default | what |', '| --- | --- | --- | --- |', ...rows].join('\n')
}

function settingsOf({ properties = {}, required }: Node, prefix: string): Setting[] {
  return Object.entries(properties).flatMap(([name, given]) => {
    const node = nodeSchema.parse(given)
    const key = `${prefix}${name}`
    const inner = [node, ...alternativesOf(node)].find((one) => one.properties !== undefined)
    if (inner !== undefined) return settingsOf(inner, `${key}.`)
    return {
      key: code(key),
      values: valuesOf(node),
      fallback: required.includes(name) ? 'required' : fallbackOf(node),
      what: cell(node.description),
    }
  })
}

const alternativesOf = ({ anyOf = [] }: Node): Node[] => anyOf.map((one) => nodeSchema.parse(one))

/** More choices than this have a page of their own. */
const MANY = 12

function valuesOf(node: Node): string {
  if (node.enum !== undefined)
    return node.enum.length > MANY ? 'names' : node.enum.map(code).join(', ')
  if (node.anyOf !== undefined) return [...new Set(alternativesOf(node).map(valuesOf))].join(' or ')
  if (node.type === 'array') {
    const items = nodeSchema.safeParse(node.items)
    return items.success ? `list of ${valuesOf(items.data)}` : 'list'
  }
  return words[node.type ?? ''] ?? 'anything'
}

const words: Readonly<Record<string, string>> = {
  boolean: '`true`, `false`',
  integer: 'whole number',
  null: '`null`',
  number: 'number',
  object: 'map',
  string: 'text',
}

function fallbackOf({ default: fallback }: Node): string {
  if (fallback === undefined || fallback === '') return ''
  return code(typeof fallback === 'string' ? fallback : JSON.stringify(fallback))
}

const code = (text: string): string => `\`${cell(text)}\``
const cell = (text: string): string => text.replaceAll('|', String.raw`\|`)
