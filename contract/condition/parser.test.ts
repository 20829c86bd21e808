import { expect, test } from '@jest/globals'
import * as fc from 'fast-check'
import { printNode } from './ast.ts'
import { parseCondition } from './parser.ts'

const printed = (text: string) => {
  const parsed = parseCondition(text)
  return 'node' in parsed
    ? printNode(parsed.node)
    : `${parsed.problem.message} @${parsed.problem.at}`
}

/** Text → the tree as text, or the message and its offset. */
const cases: readonly (readonly [string, string])[] = [
  ['a and b or c', '((a and b) or c)'],
  ['a or b and c', '(a or (b and c))'],
  ['not a and b', '(not a and b)'],
  ['not not a', 'a'],
  ['not not not a', 'not a'],
  ['not(a or b)', 'not (a or b)'],
  ['not not(a)', 'a'],
  ['notary and organic and android', '(notary and organic and android)'],
  ['a and(b or c)', '(a and (b or c))'],
  ['a or(b) or c', '(a or b or c)'],
  ['a or(b) and c', "unexpected token after ')', expecting 'or', 'and' @8"],
  ['a andb', "expected blank or '(' after 'and' @5"],
  ['  (a)  ', 'a'],
  ['', 'filter input string is empty @0'],
  ['(a', "expected a ')' token @2"],
  ['a)', "unexpected token after 'a', expecting 'or', 'and' @1"],
  ['proc.name=nginx', 'proc.name = nginx'],
  ['proc.name==nginx', 'proc.name = nginx'],
  ['proc.name != "a b"', 'proc.name != "a b"'],
  ['proc.name exists', 'proc.name exists'],
  ['proc.aname[2] = sh', 'proc.aname[2] = sh'],
  ['evt.arg["a b"] = sh', 'evt.arg["a b"] = sh'],
  ['evt.rawres >= -1', 'evt.rawres >= -1'],
  ['evt.rawres < 0x1F', 'evt.rawres < 0x1F'],
  [
    'proc.name < abc',
    "expected a number value or a field with a valid transformer: 'val', 'tolower', 'toupper', 'b64', 'basename', 'len', 'join', 'concat', 'getopt' @12",
  ],
  ['proc.name in (a, "b c" ,d)', 'proc.name in (a, "b c", d)'],
  ['proc.name in ()', 'proc.name in ()'],
  ['proc.name in shells', 'proc.name in (shells)'],
  ['proc.name in (a,)', 'expected a string value @16'],
  ['fd.name pmatch(/etc, /usr)', 'fd.name pmatch (/etc, /usr)'],
  ['proc.args intersects (a)', 'proc.args intersects (a)'],
  ['proc.name startswith\nsh', 'proc.name startswith sh'],
  ['proc.name startswith oneof (a, b)', 'proc.name startswith oneof (a, b)'],
  ['proc.name = anyof', 'proc.name = anyof'],
  ['proc.name = anyof and a', '(proc.name = anyof and a)'],
  ['proc.name glob "*sh"', 'proc.name glob *sh'],
  ['proc.name = val(proc.pname)', 'proc.name = val(proc.pname)'],
  ['tolower(proc.name) = sh', 'tolower(proc.name) = sh'],
  ['proc.name = toupper( basename(fd.name) )', 'proc.name = toupper(basename(fd.name))'],
  ['join(",", (proc.name, "x")) contains a', 'join(",", (proc.name, "x")) contains a'],
  ['getopt(proc.args, "a:")[a] = x', 'getopt(proc.args, "a:")[a] = x'],
  ['val(proc.name) = a', "unexpected token after 'val', expecting 'or', 'and' @3"],
  ['proc.name = "a\\"b"', 'proc.name = "a\\"b"'],
  ["proc.name = 'a\\\"b'", 'invalid \\" escape in \'-quoted string @18'],
  ['proc.name = "a\\q"', 'unsupported string escape sequence: \\q @17'],
  ['proc.name = "a\\x41\\/"', 'proc.name = aA/'],
  ['proc.name = "a\\ b"', 'proc.name = "a\\\\b"'],
  ['proc.name = "\\xc3\\xa9"', 'proc.name = "é"'],
  ['proc.name = "\\xff"', 'proc.name = "\udcff"'],
  ['proc.name = "a\\x00"', 'a constant cannot contain NUL @19'],
  ['evt.type=open and\nproc.name bogus x', '@28'],
]

test.each(cases)('%j is read as Falco reads it', (text, expected) => {
  expect(printed(text)).toContain(expected)
})

test('a problem has the line and column where reading stopped', () => {
  expect(parseCondition('a and\n  (b or')).toEqual({
    problem: expect.objectContaining({ at: 13, line: 2, column: 8 }),
  })
})

const nested = (depth: number) => `${'('.repeat(depth)}a${')'.repeat(depth)}`

test('brackets nest to the limit and no further, without a stack overflow', () => {
  expect(printed(nested(199))).toBe('a')
  expect(printed(nested(200))).toContain('exceeded max depth limit')
  expect(printed(nested(100_000))).toContain('exceeded max depth limit')
  expect(printed(`len(${'('.repeat(100_000)}`)).toContain('exceeded max depth limit')
  expect(printed('len('.repeat(100_000))).toContain('exceeded max depth limit')
})

test('no text makes the parser throw, and what it reads prints to a text of the same tree', () => {
  const word = fc.constantFrom(
    'a', 'and', 'or', 'not', '(', ')', ' ', ',', '=', '!=', 'in', 'proc.name', 'x y', '"', "'", '\\', 'val(', 'len(',
    'exists', 'oneof', 'startswith', '[1]', '0x1', '-3', '\n', 'é', '\0',
  ) // prettier-ignore
  const text = fc.oneof(fc.string(), fc.array(word).map((words) => words.join(' ')), fc.array(word).map((words) => words.join(''))) // prettier-ignore
  fc.assert(
    fc.property(text, (condition) => {
      const parsed = parseCondition(condition)
      if ('problem' in parsed) return
      const once = printNode(parsed.node)
      expect(printed(once)).toBe(once)
    }),
    { numRuns: 5000 },
  )
})
