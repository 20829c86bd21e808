/** values.schema.json from values.yaml: closed wherever the chart names the keys, so that a misspelt one is refused. */
import type { Value } from './values.ts'

type Schema = Readonly<Record<string, unknown>>

export const printSchema = (values: readonly Value[]): string =>
  `${JSON.stringify(
    {
      $schema: 'http://json-schema.org/draft-07/schema#',
      title: 'Values of the chart riposte',
      ...closed(values),
    },
    undefined,
    2,
  )}\n`

const closed = (values: readonly Value[]): Schema => ({
  type: 'object',
  additionalProperties: false,
  properties: Object.fromEntries(values.map((value) => [value.path.at(-1), schemaOf(value)])),
})

function schemaOf({ about, schema, fallback, children }: Value): Schema {
  const description = about === '' ? {} : { description: about }
  if (children !== null) return { ...description, ...closed(children) }
  return { ...description, type: typeOf(fallback), default: fallback, ...schema }
}

function typeOf(value: unknown): string {
  if (Array.isArray(value)) return 'array'
  if (typeof value === 'number') return 'integer'
  if (typeof value === 'string' || typeof value === 'boolean' || typeof value === 'object')
    return typeof value
  throw new Error(`no type for ${JSON.stringify(value)}`)
}
