/** The JSON Schema of policy files, for completion in editors: the same schemas, with each action's parameters. */
import { z } from 'zod'
import type { Action } from '../actions/action.ts'
import { documentSchemas, fuseSchema } from './schema.ts'

const toSchema = (schema: z.ZodType) =>
  z.toJSONSchema(schema, { io: 'input', target: 'draft-7', unrepresentable: 'any' })

export function policyJsonSchema(actions: readonly Action[]): unknown {
  const kinds = Object.values(documentSchemas).map((schema) => withoutHeader(toSchema(schema)))
  return {
    $schema: 'http://json-schema.org/draft-07/schema#',
    title: 'Riposte response policy',
    oneOf: kinds.map((kind) => withActions(kind, doItems(actions))),
  }
}

function withoutHeader(schema: object): object {
  return Object.fromEntries(Object.entries(schema).filter(([key]) => key !== '$schema'))
}

/** `do` is a list of names, or of maps with one action and its parameters. */
function doItems(actions: readonly Action[]): object {
  const names = actions.map(({ name, summary }) => ({ const: name, description: summary }))
  const maps = actions.map((action) => ({
    type: 'object',
    required: [action.name],
    additionalProperties: false,
    properties: {
      [action.name]: { ...parametersOf(action), description: action.summary },
    },
  }))
  return { oneOf: [...names, ...maps] }
}

const placement = toSchema(
  z.object({
    where: z
      .enum(['kernel', 'node'])
      .optional()
      .describe('kernel: inside the offending call, where nothing is asked first'),
    fuse: fuseSchema.optional(),
  }),
)

function parametersOf({ name, parameters }: Action): object {
  const own = withoutHeader(toSchema(parameters))
  if (name !== 'kill_process') return { ...own, type: ['object', 'null'] }
  const properties = { ...propertiesOf(own), ...propertiesOf(placement) }
  return { ...own, type: ['object', 'null'], properties }
}

const propertiesOf = (schema: object): object =>
  'properties' in schema && typeof schema.properties === 'object' ? (schema.properties ?? {}) : {}

/** Puts the items into the one place where the schema has only "text or map". */
function withActions(schema: unknown, items: object): unknown {
  if (Array.isArray(schema)) return schema.map((entry) => withActions(entry, items))
  if (typeof schema !== 'object' || schema === null) return schema
  const entries = Object.entries(schema).map(([key, value]): [string, unknown] =>
    key === 'do' && isList(value) ? [key, { ...value, items }] : [key, withActions(value, items)],
  )
  return Object.fromEntries(entries)
}

const isList = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && 'type' in value && value.type === 'array'
