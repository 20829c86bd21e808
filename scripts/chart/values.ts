/** values.yaml as a tree of values with the sentences above them. */
import { isMap, isPair, isScalar, parseDocument, type Pair, type YAMLMap } from 'yaml'
import { z } from 'zod'

export interface Value {
  readonly path: readonly string[]
  /** The sentence above it; empty where it is only a folder for others. */
  readonly about: string
  /** JSON schema of the `@schema` line above it. */
  readonly schema: Readonly<Record<string, unknown>>
  readonly fallback: unknown
  /** Null for a value; the values below for a folder, which is closed. */
  readonly children: readonly Value[] | null
}

const objectSchema = z.record(z.string(), z.unknown())

export function readValues(text: string): Value[] {
  const { contents } = parseDocument(text)
  if (!isMap(contents)) throw new Error('values.yaml is no map')
  return childrenOf(contents, [])
}

/** The comment above the first key of a map hangs on the map itself. */
function childrenOf(map: YAMLMap, path: readonly string[]): Value[] {
  return map.items.map((pair, index) =>
    valueOf(pair, path, index === 0 ? (map.commentBefore ?? '') : ''),
  )
}

function valueOf(pair: unknown, path: readonly string[], first: string): Value {
  if (!isPair(pair) || !isScalar(pair.key)) throw new Error(`${path.join('.')}: no key`)
  const own = [...path, String(pair.key.value)]
  const { about, schema } = readComment(`${first}\n${pair.key.commentBefore ?? ''}`)
  const node: Pair['value'] = pair.value
  const isFolder =
    isMap(node) && node.items.length > 0 && schema['additionalProperties'] === undefined
  return {
    path: own,
    about,
    schema,
    fallback: plain(node),
    children: isFolder ? childrenOf(node, own) : null,
  }
}

function readComment(comment: string): Pick<Value, 'about' | 'schema'> {
  const lines = comment.split('\n').map((line) => line.trim())
  const marker = lines.find((line) => line.startsWith('@schema '))
  const about = lines.filter((line) => line !== '' && !line.startsWith('@schema ')).join(' ')
  const schema = marker === undefined ? {} : objectSchema.parse(JSON.parse(marker.slice(8)))
  return { about, schema }
}

function plain(node: unknown): unknown {
  if (
    typeof node === 'object' &&
    node !== null &&
    'toJSON' in node &&
    typeof node.toJSON === 'function'
  )
    return node.toJSON()
  throw new Error('a value without a value')
}

/** Every value, folders left out. */
export const leavesOf = (values: readonly Value[]): Value[] =>
  values.flatMap((value) => (value.children === null ? [value] : leavesOf(value.children)))
