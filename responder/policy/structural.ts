/**
 * A zod schema as apiextensions.k8s.io/v1 takes it ("structural"): a type on every node, no references, no
 * additionalProperties beside properties, no choice between types.
 */
import { z } from 'zod'

const kept = new Set([
  'type',
  'description',
  'enum',
  'pattern',
  'minimum',
  'maximum',
  'exclusiveMinimum',
  'exclusiveMaximum',
  'minLength',
  'maxLength',
  'minItems',
  'maxItems',
  'nullable',
  'required',
])

const anything = { 'x-kubernetes-preserve-unknown-fields': true }

export function structuralSchema(schema: z.ZodType): object {
  const json = z.toJSONSchema(schema, {
    io: 'input',
    target: 'openapi-3.0',
    unrepresentable: 'any',
    reused: 'inline',
  })
  return structural(json)
}

/** A node of zod's JSON schema as apiextensions takes it; what may be of several types is checked by the responder. */
function structural(node: unknown): object {
  if (typeof node !== 'object' || node === null) return anything
  const given = new Map<string, unknown>(Object.entries(node))
  if (!given.has('type')) return alternatives(given)
  const out = new Map([...given].filter(([key]) => kept.has(key)))
  const properties = given.get('properties')
  if (typeof properties === 'object' && properties !== null)
    out.set('properties', mapped(properties))
  const additional = given.get('additionalProperties')
  if (typeof additional === 'object' && properties === undefined)
    out.set('additionalProperties', structural(additional))
  if (given.has('items')) out.set('items', structural(given.get('items')))
  return Object.fromEntries(out)
}

/** `text | null` is nullable text; anything else that has several shapes is anything. */
function alternatives(given: ReadonlyMap<string, unknown>): object {
  const choices = given.get('anyOf') ?? given.get('oneOf') ?? given.get('allOf')
  if (!Array.isArray(choices)) return anything
  const shapes = choices.map(structural)
  const [first] = shapes
  return shapes.length === 1 && first !== undefined ? first : anything
}

const mapped = (properties: object) =>
  Object.fromEntries(Object.entries(properties).map(([key, value]) => [key, structural(value)]))
