/**
 * Text of a condition → tree. Falco's grammar (falco-compat 2.1), quirks included:
 *
 *     or         = and { "or" ( blank and | "(" or ")" ) }
 *     and        = not { "and" ( blank not | "(" or ")" ) }
 *     not        = { "not" blank } ( "not(" or ")" | check )
 *     check      = "(" or ")" | operand condition | identifier              ; an identifier is a macro
 *     condition  = "exists" | ordering number | string-op [ modifier list ] value | list-op list
 *     operand    = field | transformer "(" input { "," input } ")" [ argument ]
 *     field      = name "." name { "." name } [ argument ]
 *     argument   = "[" ( quoted | run without blank, quote or bracket ) "]"
 *     number     = decimal | hexadecimal | transformer | "val(" field ")"
 *     value      = quoted | bare | transformer | "val(" field ")"
 *     list       = "(" [ value { "," value } ] ")" | transformer | "val(" field ")" | identifier
 *     input      = number | quoted | "(" inputs ")" | transformer | field
 *     bare       = run without blank, quote, bracket, "=" or ","
 *
 * After `and(` only the bracket belongs to the operand, so `a or(b) and c` is an error. A quoted string ends at its
 * own quote unless a backslash stands before it, even a backslash that is itself escaped.
 */
import { modifiers, type CompareNode, type Node, type Operand } from './ast.ts'
import { Lexer, SyntaxProblem } from './lexer.ts'
import {
  BRACKET_DEPTH,
  checkDepth,
  parseIdentifierAsList,
  parseListRight,
  parseNumber,
  parseValue,
  quoted,
  tryField,
  tryList,
  tryTransformer,
} from './operands.ts'

export interface ParseProblem {
  /** Falco's message. */
  readonly message: string
  /** Offset in the text, from 0; `line` and `column` count from 1. */
  readonly at: number
  readonly line: number
  readonly column: number
}

export type Parsed = { readonly node: Node } | { readonly problem: ParseProblem }

export function parseCondition(text: string): Parsed {
  const lexer = new Lexer(text)
  try {
    if (text === '') throw new SyntaxProblem('filter input string is empty')
    if (text.includes('\0')) throw new SyntaxProblem('a condition cannot contain NUL')
    const node = parseOr(lexer, 0)
    if (!lexer.isAtEnd())
      throw new SyntaxProblem(`unexpected token after '${lexer.lastToken}', expecting 'or', 'and'`)
    return { node }
  } catch (error) {
    if (!(error instanceof SyntaxProblem)) throw error
    return { problem: { message: error.message, at: lexer.at, ...lexer.position() } }
  }
}

/** A transformer call at `at`, as output templates have them; undefined where no transformer's name begins. */
export function parseTransform(
  text: string,
  at: number,
):
  | { readonly node: Operand; readonly end: number }
  | { readonly problem: ParseProblem }
  | undefined {
  const lexer = new Lexer(text)
  lexer.at = at
  try {
    const node = tryTransformer(lexer, 0)
    return node && { node, end: lexer.at }
  } catch (error) {
    if (!(error instanceof SyntaxProblem)) throw error
    return { problem: { message: error.message, at: lexer.at, ...lexer.position() } }
  }
}

const parseOr = (lexer: Lexer, depth: number) => parseChain(lexer, depth, 'or', parseAnd)
const parseAnd = (lexer: Lexer, depth: number) => parseChain(lexer, depth, 'and', parseNot)

function parseChain(
  lexer: Lexer,
  depth: number,
  kind: 'and' | 'or',
  parseChild: (lexer: Lexer, depth: number) => Node,
): Node {
  checkDepth(depth)
  const at = lexer.at
  lexer.skipBlank()
  const first = parseChild(lexer, depth)
  const children = [first]
  lexer.skipBlank()
  while (lexer.take(kind)) {
    if (lexer.skipBlank()) children.push(parseChild(lexer, depth))
    else if (lexer.take('(')) children.push(parseBracket(lexer, depth))
    else throw new SyntaxProblem(`expected blank or '(' after '${kind}'`)
    lexer.skipBlank()
  }
  return children.length === 1 ? first : { kind, children, at }
}

/** What follows an opening bracket. */
function parseBracket(lexer: Lexer, depth: number): Node {
  const child = parseOr(lexer, depth + BRACKET_DEPTH)
  lexer.skipBlank()
  if (!lexer.take(')')) throw new SyntaxProblem("expected a ')' token")
  return child
}

function parseNot(lexer: Lexer, depth: number): Node {
  const at = lexer.at
  let isNegated = false
  lexer.skipBlank()
  while (lexer.takeNot()) isNegated = !isNegated
  let child: Node
  if (lexer.take('not(')) {
    isNegated = !isNegated
    child = parseBracket(lexer, depth)
  } else child = parseCheck(lexer, depth)
  return isNegated ? { kind: 'not', child, at } : child
}

function parseCheck(lexer: Lexer, depth: number): Node {
  lexer.skipBlank()
  if (lexer.take('(')) return parseBracket(lexer, depth)
  const at = lexer.at
  const left = tryField(lexer) ?? tryTransformer(lexer, depth)
  if (left !== undefined) return parseComparison(lexer, depth, left, at)
  if (lexer.takeIdentifier()) return { kind: 'macro', name: lexer.lastToken, at }
  throw new SyntaxProblem("expected a '(' token, a field check, or an identifier")
}

function parseComparison(lexer: Lexer, depth: number, left: Operand, at: number): Node {
  lexer.skipBlank()
  if (lexer.take('exists')) return { kind: 'exists', left, at }
  const compare = (fields: Pick<CompareNode, 'comparison' | 'right'>): CompareNode => ({
    kind: 'compare',
    left,
    modifier: undefined,
    at,
    ...fields,
  })
  const ordering = lexer.takeOneOf(['<=', '<', '>=', '>'])
  if (ordering !== undefined)
    return compare({ comparison: ordering, right: parseNumber(lexer, depth) })
  const text = lexer.takeTextOperator()
  if (text !== undefined) {
    const modifier = lexer.takeModifier(modifiers, text.hadBlank)
    if (modifier === undefined)
      return compare({ comparison: text.comparison, right: parseValue(lexer, depth) })
    const right = tryList(lexer) ?? parseIdentifierAsList(lexer)
    return { ...compare({ comparison: text.comparison, right }), modifier }
  }
  const listed = lexer.takeOneOf(['intersects', 'in', 'pmatch'])
  if (listed !== undefined)
    return compare({ comparison: listed, right: parseListRight(lexer, depth) })
  throw new SyntaxProblem(`expected a valid check operator: one of ${operatorNames}`)
}

const operatorNames = quoted([
  'exists', '<=', '<', '>=', '>', '==', '=', '!=', 'glob', 'iglob', 'contains', 'icontains', 'bcontains',
  'startswith', 'bstartswith', 'endswith', 'regex', 'intersects', 'in', 'pmatch',
]) // prettier-ignore
