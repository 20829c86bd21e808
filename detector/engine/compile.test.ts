import { expect, test } from '@jest/globals'
import * as fc from 'fast-check'
import type { Node } from '../../contract/condition/ast.ts'
import type { Bound } from '../../contract/condition/bound.ts'
import { checkCondition } from '../../contract/condition/check.ts'
import { interpret } from '../../contract/condition/interpret.ts'
import { parseCondition } from '../../contract/condition/parser.ts'
import type { FieldValue } from '../fields/index.ts'
import type { Event } from '../events/event.ts'
import { compileJudge, type Matching } from './compile.ts'
import { newEvent, newFixture, type Values } from './fields.fixture.ts'
import { foldForEvent } from './fold.ts'

const fixture = newFixture()
const event = newEvent(0)

const bound = (node: Node): Bound<Event> => {
  const { condition, problems } = checkCondition(node, fixture.table)
  if (condition === undefined) throw new TypeError(problems.map(({ message }) => message).join())
  return condition
}
const boundText = (text: string): Bound<Event> => {
  const parsed = parseCondition(text)
  if ('problem' in parsed) throw new TypeError(parsed.problem.message)
  return bound(parsed.node)
}

/** Indexes of the rules that match, by compiled code. */
function judged(conditions: readonly Bound<Event>[], values: Values, matching: Matching = 'all') {
  const judge = compileJudge(
    conditions.map((condition, rule) => ({ rule, condition })),
    matching,
  )
  fixture.show(fixture.arrange(values))
  const found: number[] = []
  judge(event, (rule) => found.push(rule))
  return found
}

/** Words of every family that meet each other often. */
const texts = ['a', 'ab', 'b', 'bash', 'BASH', '/etc', '/etc/passwd', '/usr/bin/a', '', '10', '<NA>', 'a b', '*', 'cHM', '\udcff'] // prettier-ignore
const addresses = ['10.0.0.1', '10.9.9.9', '192.168.0.1', '2001:db8::1', '::1']
const nets = ['10.0.0.0/8', '192.168.0.0/16', '2001:db8::/32', '0.0.0.0/0', '10.0.0.1/32']
const numbers = [-1, 0, 1, 2, 443, 1000]

const text = fc.constantFrom(...texts)
const scalar = (values: fc.Arbitrary<FieldValue>) => fc.option(values, { nil: undefined })
const some = (values: readonly string[]) => fc.array(fc.constantFrom(...values), { maxLength: 3 })

const drawn: fc.Arbitrary<Values> = fc.record({
  'evt.type': fc.constantFrom('open', 'execve'),
  'proc.name': scalar(text), 'proc.pname': scalar(text), 'fd.name': scalar(text),
  'proc.aname': scalar(some(texts)), 'proc.aname[2]': scalar(text), 'proc.cmdargs': scalar(some(texts)),
  'evt.buffer': scalar(fc.uint8Array({ max: 3, maxLength: 4 })),
  'fd.num': scalar(fc.constantFrom(...numbers)), 'evt.num': scalar(fc.constantFrom(...numbers)),
  'evt.time': scalar(fc.constantFrom(0n, 1n, 2n ** 60n)), 'evt.is_open_read': scalar(fc.boolean()),
  'fd.ip': scalar(some(addresses)), 'fd.net': scalar(some(addresses)), 'fd.sip': scalar(fc.constantFrom(...addresses)),
  'fd.snet': scalar(fc.constantFrom(...addresses)), 'fd.sport': scalar(fc.constantFrom(22, 443)),
  'fd.port': scalar(fc.array(fc.constantFrom(22, 443), { maxLength: 2 })),
}) // prettier-ignore

const field = (...names: readonly string[]) =>
  fc.constantFrom(...names).map((name) => {
    const [base = '', argument] = name.replace(']', '').split('[')
    return { kind: 'field', name: base, argument, at: 0 } as const
  })
const value = (values: readonly (string | number)[]) =>
  fc.constantFrom(...values).map((one) => ({ kind: 'value', text: String(one), at: 0 }) as const)
const list = (values: readonly (string | number)[]) =>
  fc
    .array(fc.constantFrom(...values), { maxLength: 6 })
    .map((many) => ({ kind: 'list', texts: many.map(String), at: 0 }) as const)
const compare = (
  left: fc.Arbitrary<Extract<Node, { kind: 'compare' }>['left']>,
  comparisons: readonly Extract<Node, { kind: 'compare' }>['comparison'][],
  right: fc.Arbitrary<Extract<Node, { kind: 'compare' }>['right']>,
  modifier?: Extract<Node, { kind: 'compare' }>['modifier'],
) =>
  fc
    .tuple(left, fc.constantFrom(...comparisons), right)
    .map(([operand, comparison, constant]): Node => ({
      kind: 'compare', left: operand, comparison, right: constant, modifier, at: 0,
    })) // prettier-ignore

const textual = ['=', '!=', 'contains', 'icontains', 'startswith', 'endswith', 'glob', 'iglob', 'regex'] as const // prettier-ignore
const ordered = ['=', '!=', '<', '<=', '>', '>='] as const
const listed = ['in', 'intersects'] as const
const textField = field(
  'proc.name',
  'proc.pname',
  'fd.name',
  'proc.aname',
  'proc.aname[2]',
  'evt.type',
)
const plainTexts = texts.filter((word) => word !== '*')
const transformed = fc
  .tuple(fc.constantFrom('tolower', 'toupper', 'basename', 'b64'), field('proc.name', 'fd.name'))
  .map(([name, input]) => ({ kind: 'transform', name, inputs: [input], argument: undefined, at: 0 }) as const) // prettier-ignore
const length = field('proc.name', 'proc.cmdargs').map(
  (input) => ({ kind: 'transform', name: 'len', inputs: [input], argument: undefined, at: 0 }) as const, // prettier-ignore
)
const otherField = field('proc.name', 'proc.pname', 'fd.name').map(
  (operand) => ({ kind: 'operand', operand, at: 0 }) as const,
)

const leaf: fc.Arbitrary<Node> = fc.oneof(
  compare(textField, textual, value([...plainTexts, 'execve'])),
  compare(textField, ['in', 'intersects', 'pmatch'], list([...texts, 'open'])),
  compare(textField, ['startswith', '=', 'contains'], list(texts), 'oneof'),
  compare(textField, ['endswith', 'glob'], list(texts), 'anyof'),
  compare(textField, ['contains', '!='], list(texts), 'allof'),
  compare(transformed, ['=', '!=', 'contains'], value(texts)),
  compare(transformed, listed, list(texts)),
  compare(length, ordered, value([0, 1, 2, 4])),
  compare(field('proc.name', 'fd.name', 'proc.aname'), ['=', '!=', 'startswith', 'in', '<'], otherField),
  compare(field('proc.cmdargs'), listed, list(texts)),
  compare(field('fd.num', 'evt.num', 'evt.time'), ordered, value([0, 1, 2])),
  compare(field('fd.num', 'fd.sport', 'fd.port'), listed, list([1, 22, 443])),
  compare(field('fd.sport', 'fd.port'), ordered, value([22, 443, 'https'])),
  compare(field('evt.is_open_read'), ['=', '!='], value(['true', 'false'])),
  compare(field('fd.ip', 'fd.sip'), ['=', '!='], value(addresses)),
  compare(field('fd.ip', 'fd.sip'), ['in'], list(addresses)),
  compare(field('fd.net', 'fd.snet'), ['=', '!='], value(nets)),
  compare(field('fd.net', 'fd.snet'), ['in'], list(nets)),
  compare(field('evt.buffer'), ['bcontains', 'bstartswith'], value(['01', '0102', '03'])),
  compare(field('evt.buffer'), ['=', 'contains', 'endswith'], value(['a', '\u0001'])),
  field('proc.name', 'proc.aname', 'proc.cmdargs', 'evt.type', 'fd.ip').map((left): Node => ({ kind: 'exists', left, at: 0 })),
) // prettier-ignore

const { node } = fc.letrec<{ node: Node }>((tie) => ({
  node: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    leaf,
    fc
      .tuple(fc.constantFrom('and' as const, 'or' as const), fc.array(tie('node'), { minLength: 1, maxLength: 4 }))
      .map(([kind, children]): Node => ({ kind, children, at: 0 })),
    tie('node').map((child): Node => ({ kind: 'not', child, at: 0 })),
  ),
})) // prettier-ignore

/** FC_SEED repeats a run: a failure prints its seed. */
const parameters = { numRuns: 3000, ...(process.env['FC_SEED'] && { seed: Number(process.env['FC_SEED']) }) } // prettier-ignore

test('random rules match random events when compiled exactly as when interpreted', () => {
  fc.assert(
    fc.property(fc.array(node, { minLength: 1, maxLength: 6 }), fc.array(drawn, { minLength: 1, maxLength: 4 }), (nodes, subjects) => {
      const conditions = nodes.map(bound)
      // Twice over, so that every sub-expression is shared.
      const all = [...conditions, ...conditions]
      for (const values of subjects) {
        const found = judged(all, values)
        const expected = all.flatMap((condition, index) => interpret(condition, event) ? [index] : [])
        expect(found).toEqual(expected)
        expect(judged(all, values, 'first')).toEqual(expected.slice(0, 1))
      }
    }),
    parameters,
  )
}) // prettier-ignore

test('folding evt.type away changes no result', () => {
  fc.assert(
    fc.property(node, drawn, (one, values) => {
      const condition = bound(one)
      const folded = foldForEvent(condition, String(values['evt.type']))
      fixture.show(fixture.arrange(values))
      const result = typeof folded === 'boolean' ? folded : interpret(folded, event)
      expect(result).toBe(interpret(condition, event))
    }),
    parameters,
  )
})

test('a field is read once an event, and not at all where nothing asks for it', () => {
  let reads = 0
  const counted = (name: string) => ({
    text: name, type: 'string', values: 'one', uses: [],
    read: () => { reads++; return undefined },
  }) as const // prettier-ignore
  const asks = (name: string, constant: string): Bound<Event> => ({
    kind: 'test', text: `${name} = ${constant}`, left: counted(name), comparison: '=', modifier: undefined,
    right: { kind: 'constants', values: [constant], tests: [(given) => given === constant] },
  }) // prettier-ignore
  const or: Bound<Event> = { kind: 'or', children: [asks('x', '1'), asks('x', '2')] }
  const guarded: Bound<Event> = { kind: 'and', children: [asks('x', '3'), asks('y', '1')] }
  judged([or, or, guarded, asks('x', '4')], {})
  expect(reads).toBe(1)
})

const hostile = [
  '"; process.exit(1); "', "'); throw 1; ('", '`${process.exit(1)}`', '\\', '*/ process.exit(1) /*',
  '\u2028process.exit(1)', '</script>', '__proto__', 'constructor', "${'a'.repeat(9)}", '\udcff',
] // prettier-ignore

test.each(hostile)('text %j in a rule is data, never code', (words) => {
  const constant = { kind: 'value', text: words, at: 0 } as const
  const left = { kind: 'field', name: 'jevt.value', argument: words, at: 0 } as const
  const conditions = (['=', 'contains', 'startswith', 'endswith', 'icontains', '!='] as const).map(
    (comparison) =>
      bound({ kind: 'compare', left, comparison, modifier: undefined, right: constant, at: 0 }),
  )
  const many = [words, ...texts]
  const among = bound({ kind: 'compare', left, comparison: 'in', modifier: undefined, right: { kind: 'list', texts: many, at: 0 }, at: 0 }) // prettier-ignore
  expect(judged([...conditions, among], { [`jevt.value[${words}]`]: words })).toEqual([
    0, 1, 2, 3, 4, 6,
  ])
  expect(judged([...conditions, among], { [`jevt.value[${words}]`]: 'other' })).toEqual([5])
})

test('missing values make every check false, and its negation true', () => {
  const all = ['proc.name = a', 'proc.name != a', 'proc.name in (a, b, c, d)', 'proc.name startswith a', 'fd.num < 1', 'fd.num >= 0', 'proc.aname != a', 'fd.ip != 10.0.0.1', 'proc.name exists'] // prettier-ignore
  expect(judged(all.map(boundText), {})).toEqual([])
  expect(judged(all.map((condition) => boundText(`not ${condition}`)), {})).toHaveLength(all.length) // prettier-ignore
})

test('an empty list leaves its field read for the checks after it', () => {
  const conditions = ['not proc.name in ()', 'proc.name = a', 'proc.name != b'].map(boundText)
  expect(judged(conditions, { 'proc.name': 'a' })).toEqual([0, 1, 2])
})
