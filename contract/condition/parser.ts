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
import {
  modifiers,
  transformerNames,
  type CompareNode,
  type FieldNode,
  type Input,
  type Node,
  type Operand,
  type Right,
} from './ast.ts'
import { Lexer, SyntaxProblem } from './lexer.ts'

/** Falco's limit for rules counts five of its own calls a bracket. */
const MAX_DEPTH = 1000
const BRACKET_DEPTH = 5

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
  if (depth >= MAX_DEPTH) throw new SyntaxProblem(`exceeded max depth limit of ${MAX_DEPTH}`)
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

function parseNumber(lexer: Lexer, depth: number): Right {
  lexer.skipBlank()
  const at = lexer.at
  const operand = tryRightOperand(lexer, depth)
  if (operand !== undefined) return operand
  if (lexer.takeNumber()) return { kind: 'value', text: lexer.lastToken, at }
  throw new SyntaxProblem(
    `expected a number value or a field with a valid transformer: ${rightTransformers}`,
  )
}

function parseValue(lexer: Lexer, depth: number): Right {
  lexer.skipBlank()
  const at = lexer.at
  const operand = tryRightOperand(lexer, depth)
  if (operand !== undefined) return operand
  if (lexer.takeText()) return { kind: 'value', text: lexer.lastToken, at }
  throw new SyntaxProblem(
    `expected a string value or a field with a valid transformer: ${rightTransformers}`,
  )
}

function parseListRight(lexer: Lexer, depth: number): Right {
  lexer.skipBlank()
  return tryList(lexer) ?? tryRightOperand(lexer, depth) ?? parseIdentifierAsList(lexer)
}

/** `(a, "b c", d)`; undefined where no bracket opens. */
function tryList(lexer: Lexer): Right | undefined {
  lexer.skipBlank()
  const at = lexer.at
  if (!lexer.take('(')) return undefined
  const texts: string[] = []
  lexer.skipBlank()
  if (lexer.takeText()) {
    texts.push(lexer.lastToken)
    lexer.skipBlank()
    while (lexer.take(',')) {
      lexer.skipBlank()
      if (!lexer.takeText()) throw new SyntaxProblem('expected a string value')
      texts.push(lexer.lastToken)
      lexer.skipBlank()
    }
  }
  if (!lexer.take(')')) throw new SyntaxProblem("expected a ')' token")
  return { kind: 'list', texts, at }
}

/** A list's name that no list answered to stays a list of one. */
function parseIdentifierAsList(lexer: Lexer): Right {
  const at = lexer.at
  if (lexer.takeIdentifier()) return { kind: 'list', texts: [lexer.lastToken], at }
  throw new SyntaxProblem(
    `expected a list, an identifier, or a field with a valid transformer: ${rightTransformers}`,
  )
}

function tryRightOperand(lexer: Lexer, depth: number): Right | undefined {
  lexer.skipBlank()
  const at = lexer.at
  if (!lexer.take('val(')) {
    const operand = tryTransformer(lexer, depth)
    return operand && { kind: 'operand', operand, at }
  }
  lexer.skipBlank()
  const operand = tryField(lexer)
  if (operand === undefined) throw new SyntaxProblem("expected a field within 'val' transformer")
  closeTransformer(lexer)
  return { kind: 'operand', operand, at }
}

function tryField(lexer: Lexer): FieldNode | undefined {
  const at = lexer.at
  if (!lexer.takeFieldName()) return undefined
  const name = lexer.lastToken
  return { kind: 'field', name, argument: parseArgument(lexer), at }
}

function parseArgument(lexer: Lexer): string | undefined {
  if (!lexer.take('[')) return undefined
  if (!lexer.takeQuoted() && !lexer.takeBareArgument())
    throw new SyntaxProblem('expected a valid field argument: a quoted string or a bare string')
  const argument = lexer.lastToken
  if (!lexer.take(']')) throw new SyntaxProblem("expected a ']' token")
  return argument
}

function tryTransformer(lexer: Lexer, depth: number): Operand | undefined {
  const at = lexer.at
  const name = lexer.takeCall(transformerNames)
  if (name === undefined) return undefined
  const inputs: Input[] = []
  do inputs.push(parseInput(lexer, depth + BRACKET_DEPTH))
  while (lexer.take(','))
  closeTransformer(lexer)
  return { kind: 'transform', name, inputs, argument: parseArgument(lexer), at }
}

function closeTransformer(lexer: Lexer): void {
  lexer.skipBlank()
  if (!lexer.take(')')) throw new SyntaxProblem("expected a ')' token closing the transformer")
}

function parseInput(lexer: Lexer, depth: number): Input {
  if (depth >= MAX_DEPTH) throw new SyntaxProblem(`exceeded max depth limit of ${MAX_DEPTH}`)
  lexer.skipBlank()
  const at = lexer.at
  if (lexer.takeNumber() || lexer.takeQuoted()) {
    const text = lexer.lastToken
    lexer.skipBlank()
    return { kind: 'text', text, at }
  }
  const input = lexer.take('(')
    ? parseInputList(lexer, depth + BRACKET_DEPTH, at)
    : (tryTransformer(lexer, depth) ?? tryField(lexer))
  if (input === undefined)
    throw new SyntaxProblem(
      'expected field transformer argument: field, transformer, quoted string, number, or transformer list',
    )
  lexer.skipBlank()
  return input
}

function parseInputList(lexer: Lexer, depth: number, at: number): Input {
  const items: Input[] = []
  lexer.skipBlank()
  if (lexer.take(')')) return { kind: 'texts', items, at }
  do items.push(parseInput(lexer, depth))
  while (lexer.take(','))
  if (!lexer.take(')')) throw new SyntaxProblem("expected ')'")
  return { kind: 'texts', items, at }
}

const quoted = (names: readonly string[]) => names.map((name) => `'${name}'`).join(', ')
const rightTransformers = quoted(['val', ...transformerNames])
const operatorNames = quoted([
  'exists', '<=', '<', '>=', '>', '==', '=', '!=', 'glob', 'iglob', 'contains', 'icontains', 'bcontains',
  'startswith', 'bstartswith', 'endswith', 'regex', 'intersects', 'in', 'pmatch',
]) // prettier-ignore
