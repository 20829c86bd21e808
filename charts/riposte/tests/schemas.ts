/** JSON schemas for kubeconform, from what the API server says of its own types: nothing is downloaded. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'

const definitionSchema = z.looseObject({
  'x-kubernetes-group-version-kind': z
    .array(z.object({ group: z.string(), kind: z.string(), version: z.string() }))
    .optional(),
  properties: z.record(z.string(), z.looseObject({})).optional(),
})
const openApiSchema = z.looseObject({ definitions: z.record(z.string(), definitionSchema) })

/** Returns kubeconform's `-schema-location`. */
export function writeSchemas(openApi: unknown, directory: string): string {
  const { definitions } = openApiSchema.parse(openApi)
  mkdirSync(directory, { recursive: true })
  const closed = Object.fromEntries(
    Object.entries(definitions).map(([name, definition]) => [
      name,
      definition.properties === undefined
        ? lenient(definition)
        : { ...definition, additionalProperties: false },
    ]),
  )
  for (const [name, definition] of Object.entries(definitions))
    for (const { group, kind, version } of definition['x-kubernetes-group-version-kind'] ?? []) {
      const schema = { $ref: `#/definitions/${name}`, definitions: closed }
      writeFileSync(join(directory, fileOf(group, kind, version)), JSON.stringify(schema))
    }
  return join(directory, '{{.ResourceKind}}{{.KindSuffix}}.json')
}

/** The words of OpenAPI for what may be either are not JSON schema's. */
const lenient = (definition: z.infer<typeof definitionSchema>): object =>
  definition['format'] === 'int-or-string' ? { type: ['string', 'integer'] } : definition

const fileOf = (group: string, kind: string, version: string): string =>
  `${[kind.toLowerCase(), group.split('.')[0], version].filter((part) => part !== '').join('-')}.json`
