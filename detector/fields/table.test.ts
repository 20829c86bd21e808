import { readFileSync, readdirSync } from 'node:fs'
import { expect, test } from '@jest/globals'
import { absentFields } from './absent.ts'
import { eventFrom, testState, valueOf } from './testing.ts'
import { syscallFields } from './table.ts'

const find = (name: string, argument?: string) => syscallFields.find(name, argument)

test('a name stands for one field', () => {
  const names = syscallFields.fields.map((field) => field.name)
  expect(names.filter((name, index) => names.indexOf(name) !== index)).toEqual([])
})

test('every field that is not absent has a test that reads it', () => {
  const tests = readdirSync(import.meta.dirname)
    .filter((file) => file.endsWith('.test.ts'))
    .map((file) => readFileSync(`${import.meta.dirname}/${file}`, 'utf8'))
    .join('\n')
  const absent = new Set(absentFields.map((field) => field.name))
  const isRead = (name: string) =>
    [`'${name}'`, `'${name}[`, `'${name}.`].some((text) => tests.includes(text))
  const unread = syscallFields.fields.filter(({ name }) => !absent.has(name) && !isRead(name))
  expect(unread.map((field) => field.name)).toEqual([])
})

test('every field can be found, and read from an event that has next to nothing', () => {
  const event = eventFrom(testState(), { event: 'openat', pid: 1 })
  for (const field of syscallFields.fields) {
    const argument = field.name === 'evt.around' || field.argument === 'optional' ? '1' : 'name'
    const use = find(
      field.name,
      field.argument === 'required' || field.name === 'fd.types' ? argument : undefined,
    )
    if ('problem' in use) throw new Error(use.problem)
    expect(() => use.read(event)).not.toThrow()
  }
})

test('an unknown field names the nearest', () => {
  expect(find('proc.cmdlin')).toEqual({
    problem: 'unknown field "proc.cmdlin"; did you mean proc.cmdline?',
  })
})

test('a wrong argument says what would be right', () => {
  expect(find('proc.name', '1')).toEqual({ problem: 'proc.name takes no argument' })
  expect(find('proc.aname', 'x')).toEqual({
    problem: 'proc.aname takes a level: 0 for the process, 1 for its parent',
  })
  expect(find('evt.arg')).toHaveProperty('problem')
  expect(find('evt.arg.nosuch')).toEqual({ problem: 'no event has a parameter "nosuch"' })
  expect(find('thread.cgroup')).toHaveProperty('problem')
})

test('of what follows evt.arg the longest known parameter counts', () => {
  expect(find('evt.arg.flagsx')).toMatchObject({ text: 'evt.arg.flags', argument: 'flags' })
  expect(find('evt.arg.fd_in')).toMatchObject({ text: 'evt.arg.fd_in' })
})

test('the text of a field is the key of its value in an alert', () => {
  expect(find('proc.aname', '2')).toMatchObject({ text: 'proc.aname[2]', argument: '2' })
})

test('with its argument a field is what that argument makes it', () => {
  expect(find('proc.aname')).toMatchObject({ field: { values: 'any' } })
  expect(find('proc.aname', '2')).toMatchObject({ field: { values: 'one' } })
  expect(find('evt.rawarg.flags')).toMatchObject({ field: { type: 'flags' } })
  expect(find('evt.rawarg.fd')).toMatchObject({ field: { type: 'fd' } })
})

test('deprecated fields load, and say that they are', () => {
  expect(find('evt.dir')).toMatchObject({ field: { isDeprecated: true } })
  expect(find('evt.type')).toMatchObject({ field: { isDeprecated: false } })
})

test("Falco's generic fields of other sources are missing", () => {
  const event = eventFrom(testState(), { event: 'openat', pid: 1 })
  for (const name of ['evt.asynctype', 'evt.pluginname', 'evt.plugininfo', 'evt.latency.quantized'])
    expect([name, valueOf(event, name)]).toEqual([name, undefined])
})
