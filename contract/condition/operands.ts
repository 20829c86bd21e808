/** What stands on either side of an operator, by the grammar in parser.ts. */
import { transformerNames, type FieldNode, type Input, type Operand, type Right } from './ast.ts'
import { type Lexer, SyntaxProblem } from './lexer.ts'

const MAX_DEPTH = 1000
/** Falco's limit for rules counts five of its own calls a bracket. */
export const BRACKET_DEPTH = 5

export function checkDepth(depth: number): void {
  if (depth >= MAX_DEPTH) throw new SyntaxProblem(`exceeded max depth limit of ${MAX_DEPTH}`)
}

export const parseNumber = (lexer: Lexer, depth: number): Right =>
  parseSingle(lexer, depth, 'number', () => lexer.takeNumber())

export const parseValue = (lexer: Lexer, depth: number): Right =>
  parseSingle(lexer, depth, 'string', () => lexer.takeText())

function parseSingle(lexer: Lexer, depth: number, kind: string, take: () => boolean): Right {
  lexer.skipBlank()
  const at = lexer.at
  const operand = tryRightOperand(lexer, depth)
  if (operand !== undefined) return operand
  if (take()) return { kind: 'value', text: lexer.lastToken, at }
  throw new SyntaxProblem(
    `expected a ${kind} value or a field with a valid transformer: ${rightTransformers}`,
  )
}

export function parseListRight(lexer: Lexer, depth: number): Right {
  lexer.skipBlank()
  return tryList(lexer) ?? tryRightOperand(lexer, depth) ?? parseIdentifierAsList(lexer)
}

/** `(a, "b c", d)`; undefined where no bracket opens. */
export function tryList(lexer: Lexer): Right | undefined {
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
export function parseIdentifierAsList(lexer: Lexer): Right {
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

export function tryField(lexer: Lexer): FieldNode | undefined {
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

export function tryTransformer(lexer: Lexer, depth: number): Operand | undefined {
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
  checkDepth(depth)
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

export const quoted = (names: readonly string[]) => names.map((name) => `'${name}'`).join(', ')
const rightTransformers = quoted(['val', ...transformerNames])
