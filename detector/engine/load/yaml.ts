/**
 * YAML with places, as yaml-cpp reads it: every scalar stays text until somebody asks for a number or a boolean
 * (YAML 1.1's set), keys may repeat (the first counts), several documents make a stream.
 */
import {
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  parseAllDocuments,
  Scalar,
} from 'yaml'
import type { Spot } from './places.ts'

export type Yaml = YamlScalar | YamlMap | YamlSequence | YamlNull

export interface YamlScalar {
  readonly kind: 'scalar'
  readonly text: string
  /** Without quotes: `no` is a boolean, `"no"` is too for yaml-cpp, but parameters of actions keep the difference. */
  readonly isPlain: boolean
  readonly spot: Spot
  /** The place of an offset of `text` in the file: exact but inside escapes of a quoted scalar. */
  readonly spotAt: (offset: number, length: number) => Spot
}

export interface YamlMap {
  readonly kind: 'map'
  readonly entries: readonly { readonly key: YamlScalar; readonly value: Yaml }[]
  readonly spot: Spot
}

export interface YamlSequence {
  readonly kind: 'sequence'
  readonly items: readonly Yaml[]
  readonly spot: Spot
}

export interface YamlNull {
  readonly kind: 'null'
  readonly spot: Spot
}

export interface YamlFailure {
  readonly message: string
  readonly spot: Spot
}

export function parseYaml(
  file: string,
  text: string,
): { readonly documents: readonly Yaml[]; readonly failures: readonly YamlFailure[] } {
  const lineCounter = new LineCounter()
  const documents = parseAllDocuments(text, {
    schema: 'failsafe', uniqueKeys: false, prettyErrors: false, lineCounter, keepSourceTokens: false,
  }) // prettier-ignore
  const spotter = (offset: number, length: number): Spot => {
    const { line, col } = lineCounter.linePos(offset)
    return { file, offset, length, line: Math.max(0, line - 1), column: Math.max(0, col - 1) }
  }
  if (!Array.isArray(documents)) return { documents: [], failures: [] }
  const failures = documents.flatMap(({ errors }) =>
    errors.map(({ message, pos }) => ({ message, spot: spotter(pos[0], pos[1] - pos[0]) })),
  )
  return { documents: documents.map((document) => convert(document, text, spotter)), failures }
}

type Spotter = (offset: number, length: number) => Spot

function convert(document: Document.Parsed, source: string, spotter: Spotter): Yaml {
  const visit = (node: unknown): Yaml => {
    const target = isAlias(node) ? node.resolve(document) : node
    if (isScalar(target)) return convertScalar(target, source, spotter)
    const spot = spotOf(target, spotter)
    if (isSeq(target)) return { kind: 'sequence', items: target.items.map(visit), spot }
    if (!isMap(target)) return { kind: 'null', spot }
    const entries = target.items.flatMap(({ key, value }) => {
      const name = visit(key)
      return name.kind === 'scalar'
        ? [{ key: name, value: visit(value ?? key), hasValue: value !== null }]
        : []
    })
    return {
      kind: 'map',
      entries: entries.map(({ key, value, hasValue }) => ({
        key,
        value: hasValue ? value : { kind: 'null', spot: key.spot },
      })),
      spot,
    }
  }
  return visit(document.contents)
}

function spotOf(node: unknown, spotter: Spotter): Spot {
  const range = isMap(node) || isSeq(node) || isScalar(node) ? node.range : undefined
  return range ? spotter(range[0], Math.max(1, range[1] - range[0])) : spotter(0, 1)
}

function convertScalar(node: Scalar, source: string, spotter: Spotter): Yaml {
  const spot = spotOf(node, spotter)
  const isPlain = node.type === Scalar.PLAIN || node.type === undefined
  const text = typeof node.value === 'string' ? node.value : ''
  if (isPlain && /^(?:|~|null|Null|NULL)$/.test(text)) return { kind: 'null', spot }
  const isBlock = node.type === Scalar.BLOCK_FOLDED || node.type === Scalar.BLOCK_LITERAL
  const header = isBlock ? source.indexOf('\n', spot.offset) + 1 - spot.offset : 0
  const quoteLength = isPlain || isBlock ? 0 : 1
  const start = spot.offset + header + quoteLength
  const spotAt = (offset: number, length: number) =>
    spotter(locate(source, start, text, offset), length)
  return { kind: 'scalar', text, isPlain, spot, spotAt }
}

/** Folding and indentation change blanks only, so the n-th letter of the value is the n-th letter of the source. */
function locate(source: string, start: number, text: string, offset: number): number {
  let letters = text.slice(0, offset).replaceAll(/\s+/g, '').length
  let at = start
  for (; letters > 0 && at < source.length; at++) if (!/\s/.test(source.charAt(at))) letters--
  if (offset < text.length && !/\s/.test(text.charAt(offset)))
    while (at < source.length && /\s/.test(source.charAt(at))) at++
  return Math.min(at, source.length)
}

export const get = (map: YamlMap, key: string): Yaml | undefined =>
  map.entries.find((entry) => entry.key.text === key)?.value

const truths = new Set(['y', 'yes', 'true', 'on'])
const lies = new Set(['n', 'no', 'false', 'off'])

/** yaml-cpp's booleans: `y yes true on` and their opposites, in lower case, capitals, or with a first capital. */
export function toBoolean(text: string): boolean | undefined {
  const lowered = text.toLowerCase()
  const capital = lowered.charAt(0).toUpperCase() + lowered.slice(1)
  if (text !== lowered && text !== lowered.toUpperCase() && text !== capital) return undefined
  if (truths.has(lowered)) return true
  return lies.has(lowered) ? false : undefined
}

/** As JSON, for parameters of actions: plain scalars are what YAML 1.2 says that they are. */
export function toJson(node: Yaml): unknown {
  switch (node.kind) {
    case 'null':
      return null
    case 'sequence':
      return node.items.map(toJson)
    case 'map':
      return Object.fromEntries(node.entries.map(({ key, value }) => [key.text, toJson(value)]))
    case 'scalar': {
      if (!node.isPlain) return node.text
      if (/^(?:true|True|TRUE)$/.test(node.text)) return true
      if (/^(?:false|False|FALSE)$/.test(node.text)) return false
      return /^[-+]?\d+(?:\.\d+)?$/.test(node.text) ? Number(node.text) : node.text
    }
  }
}
