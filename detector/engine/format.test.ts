import { expect, test } from '@jest/globals'
import type { Event } from '../events/event.ts'
import type { Field, FieldTable, FieldValue } from '../fields/index.ts'
import { compileOutput, type OutputTemplate, type TemplateProblem } from './format.ts'
import type { ShownValue } from './print.ts'

const row = (name: string, type: Field['type'], value: FieldValue, more: Partial<Field> = {}) => ({
  name,
  type,
  help: name,
  values: 'one' as const,
  argument: 'none' as const,
  isFilterOnly: false,
  isPlain: false,
  isDeprecated: false,
  source: 'syscall' as const,
  bind: () => () => value,
  ...more,
})

const rows: Field[] = [
  row('proc.name', 'string', 'cat'),
  row('proc.names', 'string', 'longer'),
  row('proc.missing', 'string', undefined),
  row('proc.aname', 'string', 'bash', { argument: 'optional', isPlain: true }),
  row('evt.rawtime', 'abstime', 1_795_000_000_123_456_789n),
  row('evt.isio', 'bool', true),
  row('fd.flags', 'flags', 65, { print: () => 'O_WRONLY|O_CREAT' }),
  row('fd.port', 'port', 443, { print: () => 'https' }),
  row('fd.ip', 'ip', '10.0.0.1', { isFilterOnly: true }),
  row('evt.buffer', 'bytes', Uint8Array.from([71, 69, 84, 0, 255])),
  row('proc.list', 'string', ['a', 'b'], { values: 'list' }),
  row('fd.umlaut', 'string', 'äöü'),
]

const table: FieldTable = {
  fields: rows,
  find(name, argument) {
    const field = rows.find((candidate) => candidate.name === name)
    if (field === undefined) return { problem: `unknown field ${name}` }
    if (argument !== undefined && field.argument === 'none')
      return { problem: `${name} takes no argument` }
    const text = argument === undefined ? name : `${name}[${argument}]`
    const read = field.bind(argument)
    return 'problem' in read ? read : { field, text, argument, read }
  },
}

const event = {} as Event
const compile = (text: string, buffers: 'dots' | 'base64' = 'dots') =>
  compileOutput(text, { table, buffers })
const good = (text: string, buffers?: 'dots' | 'base64') =>
  compile(text, buffers) as OutputTemplate<Event>
const message = (text: string, buffers?: 'dots' | 'base64') => good(text, buffers).message(event)
const collected = (text: string) => {
  const into = new Map<string, ShownValue>()
  good(text).collect(event, into)
  return Object.fromEntries(into)
}

test('the longest known field wins and what follows it is text', () => {
  expect(message('a %proc.name. %proc.namesake=%proc.namex')).toBe('a cat. longerake=catx')
})

test('a missing value prints <NA> and is null in output_fields', () => {
  expect(message('%proc.missing')).toBe('<NA>')
  expect(collected('%proc.missing')).toEqual({ 'proc.missing': null })
})

test('a width pads with blanks and cuts', () => {
  expect(message('[%5proc.name][%2proc.name][%5fd.umlaut]')).toBe('[cat  ][ca][äö\uFFFD]')
})

test('an argument stays in the key of output_fields', () => {
  expect(collected('%proc.aname[2] %proc.aname')).toEqual({
    'proc.aname[2]': 'bash',
    'proc.aname': 'bash',
  })
})

test('transformers nest, and output_fields lists them by the inner field', () => {
  expect(message('%toupper(proc.name) %len( toupper(proc.name) )!')).toBe('CAT 3!')
  expect(collected('%len(proc.name)')).toEqual({ 'proc.name': 3 })
  expect(message('%join(", ", proc.list) %concat(proc.name, "!")')).toBe('a, b cat!')
})

test('numbers, booleans and lists keep their type, flags are text', () => {
  expect(collected('%evt.rawtime %evt.isio %fd.flags %fd.port %proc.list')).toEqual({
    'evt.rawtime': 1_795_000_000_123_456_789n,
    'evt.isio': true,
    'fd.flags': 'O_WRONLY|O_CREAT',
    'fd.port': 443,
    'proc.list': ['a', 'b'],
  })
  expect(message('%fd.flags %fd.port %proc.list')).toBe('O_WRONLY|O_CREAT https (a,b)')
})

test('a buffer prints with dots for what cannot be printed, or as base64', () => {
  expect(message('%evt.buffer')).toBe('GET..')
  expect(message('%evt.buffer', 'base64')).toBe('R0VUAP8=')
})

test('every mistake is told with its place in the template', () => {
  const problems = compile('%foo.bar x %fd.ip %toupper(proc.aname[1]) %') as TemplateProblem[]
  expect(problems.map(({ offset, length }) => [offset, length])).toEqual([
    [1, 7],
    [12, 5],
    [19, 22],
    [42, 1],
  ])
  expect(problems[0]?.problem).toBe('unknown field foo.bar')
})
