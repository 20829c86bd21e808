/** The tree of a condition, and the text that it is written as. Positions count from 0 in the text that was parsed. */

export const comparisons = [
  '<=', '<', '>=', '>', '=', '!=', 'glob', 'iglob', 'contains', 'icontains', 'bcontains',
  'startswith', 'bstartswith', 'endswith', 'regex', 'intersects', 'in', 'pmatch',
] as const // prettier-ignore
export type Comparison = (typeof comparisons)[number]

/** `startswith oneof (a, b)`: how many of the listed values have to satisfy the operator. */
export const modifiers = ['oneof', 'anyof', 'allof'] as const
export type Modifier = (typeof modifiers)[number]

export const transformerNames = [
  'tolower', 'toupper', 'b64', 'basename', 'len', 'join', 'concat', 'getopt',
] as const // prettier-ignore
export type TransformerName = (typeof transformerNames)[number]

interface Placed {
  readonly at: number
}

export interface FieldNode extends Placed {
  readonly kind: 'field'
  readonly name: string
  readonly argument: string | undefined
}

export interface TransformNode extends Placed {
  readonly kind: 'transform'
  readonly name: TransformerName
  readonly inputs: readonly Input[]
  readonly argument: string | undefined
}

/** What a transformer may be given. */
export type Input =
  | FieldNode
  | TransformNode
  | (Placed & { readonly kind: 'text'; readonly text: string })
  | (Placed & { readonly kind: 'texts'; readonly items: readonly Input[] })

export type Operand = FieldNode | TransformNode

/** The right side: one constant, a list of them, or (through `val()` or a transformer) another field. */
export type Right =
  | (Placed & { readonly kind: 'value'; readonly text: string })
  | (Placed & { readonly kind: 'list'; readonly texts: readonly string[] })
  | (Placed & { readonly kind: 'operand'; readonly operand: Operand })

export interface CompareNode extends Placed {
  readonly kind: 'compare'
  readonly left: Operand
  readonly comparison: Comparison
  readonly modifier: Modifier | undefined
  readonly right: Right
}

export type Node =
  | (Placed & { readonly kind: 'and' | 'or'; readonly children: readonly Node[] })
  | (Placed & { readonly kind: 'not'; readonly child: Node })
  | (Placed & { readonly kind: 'exists'; readonly left: Operand })
  | (Placed & { readonly kind: 'macro'; readonly name: string })
  | CompareNode

/** A condition's text from its tree: parsing it again gives the same tree (but for positions). */
export function printNode(node: Node): string {
  switch (node.kind) {
    case 'and':
    case 'or':
      return `(${node.children.map(printNode).join(` ${node.kind} `)})`
    case 'not':
      return `not ${printNode(node.child)}`
    case 'exists':
      return `${printOperand(node.left)} exists`
    case 'macro':
      return node.name
    case 'compare': {
      const operator = [node.comparison, node.modifier].filter((word) => word !== undefined)
      return `${printOperand(node.left)} ${operator.join(' ')} ${printRight(node.right)}`
    }
  }
}

export function printOperand(operand: Operand): string {
  const argument = operand.argument === undefined ? '' : `[${printArgument(operand.argument)}]`
  return operand.kind === 'field'
    ? `${operand.name}${argument}`
    : `${operand.name}(${operand.inputs.map(printInput).join(', ')})${argument}`
}

function printInput(input: Input): string {
  if (input.kind === 'text') return quote(input.text)
  if (input.kind === 'texts') return `(${input.items.map(printInput).join(', ')})`
  return printOperand(input)
}

function printRight(right: Right): string {
  if (right.kind === 'value') return printValue(right.text)
  if (right.kind === 'list') return `(${right.texts.map(printValue).join(', ')})`
  return right.operand.kind === 'field'
    ? `val(${printOperand(right.operand)})`
    : printOperand(right.operand)
}

const printArgument = (text: string) => (/^[^\][\s"']+$/.test(text) ? text : quote(text))
const printValue = (text: string) => (/^[\w./:*?<>+-]+$/.test(text) ? text : quote(text))

const shortEscapes: Readonly<Record<string, string>> = {
  '\b': '\\b', '\f': '\\f', '\n': '\\n', '\r': '\\r', '\t': '\\t', '"': '\\"', '\\': '\\\\',
} // prettier-ignore

/** A backslash at the end is written as backslash and blank: `\\"` would not close the text. */
const quote = (text: string) =>
  `"${text.replaceAll(/[\b\f\n\r\t"\\]/g, (char) => shortEscapes[char] ?? char).replace(/\\$/, ' ')}"`
