/** Where in a YAML document something stands: from zod's path to line, column and length. */
import {
  isAlias,
  isMap,
  isNode,
  isPair,
  isScalar,
  isSeq,
  type Document,
  type LineCounter,
  type Node,
} from 'yaml'
import type { Problem } from '../../contract/problem.ts'

export type Path = readonly PropertyKey[]

export interface Place {
  readonly line: number
  readonly column: number
  readonly length: number
}

/** Places inside one document of a file. */
export interface Places {
  /** The value at `path`; of what is not there, the key or the whole that should hold it. */
  value(path: Path): Place
  /** The key that `path` ends in. */
  key(path: Path): Place
}

export function placesOf(document: Document, lines: LineCounter): Places {
  const place = (node: Node | null | undefined): Place => {
    const [start, end] = node?.range ?? document.contents?.range ?? [0, 1]
    const { line, col } = lines.linePos(start)
    const lineEnd = (lines.lineStarts[line] ?? Infinity) - 1
    const isFlat = isScalar(node)
    return {
      line: Math.max(1, line),
      column: Math.max(1, col),
      length: isFlat ? Math.max(1, Math.min(end, lineEnd) - start) : 1,
    }
  }
  return {
    value(path) {
      const { key, value } = walk(document, path)
      return place(value ?? key)
    },
    key(path) {
      const { key, value } = walk(document, path)
      return place(key ?? value)
    },
  }
}

interface Found {
  readonly key: Node | undefined
  readonly value: Node | undefined
}

/** Goes down as far as the document goes; what is missing leaves the last thing that was there. */
function walk(document: Document, path: Path): Found {
  let found: Found = { key: undefined, value: document.contents ?? undefined }
  for (const step of path) {
    const next = child(document, found.value, step)
    if (next === undefined) return { key: found.key, value: found.key ?? found.value }
    found = next
  }
  return found
}

function child(document: Document, parent: Node | undefined, step: PropertyKey): Found | undefined {
  const node = resolve(document, parent)
  if (isSeq(node)) {
    const item = node.items[Number(step)]
    return isNode(item) ? { key: undefined, value: item } : undefined
  }
  if (!isMap(node)) return undefined
  const pair = node.items.find(({ key }) => isScalar(key) && String(key.value) === String(step))
  if (!isPair(pair) || !isNode(pair.key)) return undefined
  return { key: pair.key, value: isNode(pair.value) ? pair.value : undefined }
}

const resolve = (document: Document, node: Node | undefined): Node | undefined =>
  isAlias(node) ? node.resolve(document) : node

export const problemAt = (file: string, place: Place, code: string, message: string): Problem => ({
  code,
  severity: 'error',
  message,
  file,
  ...place,
})
