/** Warnings about conditions that compile but hardly mean what they say (falco-compat 1.5). */
import { type CompareNode, type Node, transformerNames } from '../../../contract/condition/ast.ts'
import type { WarningCode } from './codes.ts'

export interface Hint {
  readonly code: WarningCode
  readonly message: string
  readonly at: number
  /** What in the condition it is about. */
  readonly text: string
}

const deprecated: ReadonlyMap<string, string> = new Map([
  [
    'evt.dir',
    "due to the drop of enter events, 'evt.dir = <' always evaluates to true, and 'evt.dir = >' always evaluates to false. The rule expression can be simplified by removing the condition on 'evt.dir'",
  ],
  ...[
    'evt.latency',
    'evt.latency.s',
    'evt.latency.ns',
    'evt.latency.human',
    'evt.wait_latency',
  ].map((name) => [name, 'field is not available due to the drop of enter events.'] as const),
])

export const deprecatedFields: readonly string[] = [...deprecated.keys()]

/** Deprecated fields and comparisons with `<NA>`, once each, as Falco does. */
export function conditionHints(node: Node): readonly Hint[] {
  const found = new Map<string, Hint>()
  for (const leaf of leaves(node)) {
    const { left } = leaf
    const name = left.kind === 'field' ? left.name : ''
    const message = deprecated.get(name)
    if (message !== undefined && !found.has(name))
      found.set(name, { code: 'LOAD_DEPRECATED_ITEM', message, at: left.at, text: name })
    if (leaf.kind === 'compare' && isUnsafe(name, leaf) && !found.has('<NA>')) {
      const remedy = "comparing with <NA> does not find missing values: use the 'exists' operator"
      found.set('<NA>', { code: 'LOAD_UNSAFE_NA_CHECK', message: remedy, at: left.at, text: name })
    }
  }
  return [...found.values()]
}

function isUnsafe(name: string, leaf: CompareNode): boolean {
  if (!/^(?:ka|jevt)\./.test(name)) return false
  return (
    ['=', '!=', 'in', 'intersects', 'pmatch'].includes(leaf.comparison) &&
    constantsOf(leaf).includes('<NA>')
  )
}

/** Regular expressions that need none, and constants that are a field's name or a transformer's call. */
export function constantHints(node: Node, isField: (name: string) => boolean): readonly Hint[] {
  return leaves(node).flatMap((leaf) => {
    if (leaf.kind !== 'compare') return []
    return constantsOf(leaf).flatMap((text) =>
      constantMessages(leaf, text, isField).map((message) => ({
        code: 'LOAD_COMPILE_CONDITION' as const,
        message,
        at: leaf.right.at,
        text,
      })),
    )
  })
}

function constantMessages(
  leaf: CompareNode,
  text: string,
  isField: (name: string) => boolean,
): readonly string[] {
  const bare = text.replaceAll(/\s+/g, '')
  const isCall = ['val', ...transformerNames].some(
    (name) => bare.startsWith(`${name}(`) && bare.endsWith(')'),
  )
  return [
    ...(leaf.comparison === 'regex' && isTrivialRegex(text)
      ? [
          `regex check with '${text}' may be optimized with simpler operators such as '=', 'contains', 'startswith', 'endswith'`,
        ]
      : []),
    ...(isField(bare) ? [`'${text}' may be a valid field misused as a const string value`] : []),
    ...(isCall
      ? [`'${text}' may be a valid field transformer misused as a const string value`]
      : []),
  ]
}

/** Nothing special but an anchor or an any-run at either end. */
const isTrivialRegex = (text: string) =>
  !/[.+*?^$()[\]{}|\\]/.test(text.replace(/^\^?(?:\.[+*?])?/, '').replace(/(?:\.[+*?])?\$?$/, ''))

const constantsOf = ({ right }: CompareNode): readonly string[] => {
  if (right.kind === 'operand') return []
  return right.kind === 'list' ? right.texts : [right.text]
}

type Leaf = Extract<Node, { kind: 'compare' | 'exists' }>

function leaves(node: Node): readonly Leaf[] {
  switch (node.kind) {
    case 'and':
    case 'or':
      return node.children.flatMap(leaves)
    case 'not':
      return leaves(node.child)
    case 'macro':
      return []
    case 'exists':
    case 'compare':
      return [node]
  }
}
