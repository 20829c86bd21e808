/** Tokens of a condition, taken one at a time at a cursor; a token that is not there leaves the cursor alone. */
import type { Comparison, Modifier } from './ast.ts'
import { bytesToText } from './bytes.ts'

/** What the parser throws to leave its recursion; it never leaves `parseCondition`. */
export class SyntaxProblem extends Error {}

const notBlank = /not[ \t\n\v\f\r]+/y
const identifier = /[a-zA-Z]+[a-zA-Z0-9_]*/y
const fieldName = /[a-zA-Z]+[a-zA-Z0-9_]*(?:\.[a-zA-Z]+[a-zA-Z0-9_]*)+/y
const bareArgument = /[^\]["' \t\n\v\f\r]+/y
const number = /0[xX][0-9a-fA-F]+|[+-]?[0-9]+\.?[0-9]*(?:[eE][+-][0-9]+)?/y
const bareText = /[^()"' \t\n\v\f\r=,]+/y
const keywordAhead = /(?:and|or|not)(?![a-zA-Z0-9])/y

/** Operators that are words need a blank after them; the symbols do not. */
const textOperators: readonly (readonly [string, Comparison])[] = [
  ['==', '='],
  ['=', '='],
  ['!=', '!='],
  ['glob', 'glob'],
  ['iglob', 'iglob'],
  ['contains', 'contains'],
  ['icontains', 'icontains'],
  ['bcontains', 'bcontains'],
  ['startswith', 'startswith'],
  ['bstartswith', 'bstartswith'],
  ['endswith', 'endswith'],
  ['regex', 'regex'],
]

export class Lexer {
  at = 0
  /** The last token taken, unescaped where it was quoted: error messages name it. */
  lastToken = ''
  readonly #text: string

  constructor(text: string) {
    this.#text = text
  }

  isAtEnd(): boolean {
    return this.at === this.#text.length
  }

  /** Line and column from 1; either of \r and \n ends a line. */
  position(): { readonly line: number; readonly column: number } {
    const lines = this.#text.slice(0, this.at).split(/[\r\n]/)
    return { line: lines.length, column: (lines.at(-1)?.length ?? 0) + 1 }
  }

  skipBlank(): boolean {
    const start = this.at
    while (' \t\b\r\n'.includes(this.#text[this.at] ?? 'end')) this.at++
    return this.at > start
  }

  take(token: string): boolean {
    if (!this.#text.startsWith(token, this.at)) return false
    this.lastToken = token
    this.at += token.length
    return true
  }

  takeOneOf<Token extends string>(tokens: readonly Token[]): Token | undefined {
    return tokens.find((token) => this.take(token))
  }

  /** `tolower(` → `tolower`, blanks after it skipped. */
  takeCall<Name extends string>(names: readonly Name[]): Name | undefined {
    const name = names.find((candidate) => this.take(`${candidate}(`))
    if (name !== undefined) this.skipBlank()
    return name
  }

  takeTextOperator(): { comparison: Comparison; hadBlank: boolean } | undefined {
    for (const [token, comparison] of textOperators) {
      const start = this.at
      if (!this.take(token)) continue
      const hadBlank = this.skipBlank()
      if (hadBlank || !/[a-z]/.test(token)) return { comparison, hadBlank }
      this.at = start
    }
    return undefined
  }

  /** A modifier counts only where a list follows it: `= oneof` alone compares with the word. */
  takeModifier(modifiers: readonly Modifier[], hadBlank: boolean): Modifier | undefined {
    if (!hadBlank) return undefined
    const start = { at: this.at, token: this.lastToken }
    for (const modifier of modifiers) {
      if (this.take(modifier) && this.skipBlank() && this.#isListAhead()) return modifier
      this.at = start.at
      this.lastToken = start.token
    }
    return undefined
  }

  takeNot(): boolean {
    return this.#takePattern(notBlank)
  }

  takeIdentifier(): boolean {
    return this.#takePattern(identifier)
  }

  takeFieldName(): boolean {
    return this.#takePattern(fieldName)
  }

  takeBareArgument(): boolean {
    return this.#takePattern(bareArgument)
  }

  takeNumber(): boolean {
    return this.#takePattern(number)
  }

  takeText(): boolean {
    return this.takeQuoted() || this.#takePattern(bareText)
  }

  takeQuoted(): boolean {
    const quote = this.#text[this.at]
    if (quote !== '"' && quote !== "'") return false
    for (let end = this.at + 1; end < this.#text.length; end++) {
      if (this.#text[end] !== quote || this.#text[end - 1] === '\\') continue
      const inner = this.#text.slice(this.at + 1, end)
      this.at = end + 1
      this.lastToken = unescape(inner, quote)
      return true
    }
    return false
  }

  #isListAhead(): boolean {
    if (this.#text[this.at] === '(') return true
    keywordAhead.lastIndex = identifier.lastIndex = this.at
    return identifier.test(this.#text) && !keywordAhead.test(this.#text)
  }

  #takePattern(pattern: RegExp): boolean {
    pattern.lastIndex = this.at
    const found = pattern.exec(this.#text)?.[0]
    if (found === undefined) return false
    this.lastToken = found
    this.at += found.length
    return true
  }
}

/** Backslash and blank gives a backslash, the blank is lost: an old Falco rule relied on it. */
const escapes: Readonly<Record<string, string>> = {
  b: '\b', f: '\f', n: '\n', r: '\r', t: '\t', ' ': '\\', '\\': '\\', '/': '/',
} // prettier-ignore

function unescape(inner: string, quote: string): string {
  let hasHighByte = false
  const text = inner.replaceAll(/\\(x[\s\S]{0,2}|[\s\S]|$)/g, (_whole: string, escape: string) => {
    if (escape === quote) return quote
    if (escape === '"' || escape === "'")
      throw new SyntaxProblem(`invalid \\${escape} escape in ${quote}-quoted string`)
    const char = escape.startsWith('x') ? unescapeHex(escape.slice(1)) : escapes[escape]
    if (char === undefined)
      throw new SyntaxProblem(`unsupported string escape sequence: \\${escape}`)
    hasHighByte ||= char > '\x7f'
    return char
  })
  if (text.includes('\0')) throw new SyntaxProblem('a constant cannot contain NUL')
  return hasHighByte ? joinBytes(text) : text
}

/** `\xc3\xa9` are the bytes of one letter: what \x wrote stands in U+0080 to U+00FF until here. */
function joinBytes(text: string): string {
  const parts = Array.from(text, (char) =>
    char > '\x7f' && char <= '\xff' ? Buffer.from([char.charCodeAt(0)]) : Buffer.from(char),
  )
  return bytesToText(Buffer.concat(parts))
}

function unescapeHex(digits: string): string {
  if (digits.length < 2) throw new SyntaxProblem('truncated hex char escape sequence')
  if (!/^[0-9a-fA-F]{2}$/.test(digits))
    throw new SyntaxProblem(`invalid hex char escape sequence: ${digits}`)
  return String.fromCharCode(Number.parseInt(digits, 16))
}
