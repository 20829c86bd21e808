import { expect, test } from '@jest/globals'
import { newFixture } from '../fields.fixture.ts'
import { describeJson } from './describe.ts'
import { loadRules } from './load.ts'

test('rules are described as written and as understood', () => {
  const text = [
    '- list: shells\n  items: [bash, sh]\n',
    '- macro: shell\n  condition: proc.name in (shells)\n',
    '- rule: r\n  desc: d\n  condition: evt.type = execve and shell\n  output: ran %proc.name\n  priority: INFO\n  tags: [b, a]\n',
    '  exceptions: [{name: x, fields: [tolower(proc.pname)], values: [[cron]]}]\n',
  ].join('')
  const { table, sources } = newFixture()
  const loaded = loadRules([{ name: 'r.yaml', text }], { sources })
  expect(loaded.problems).toEqual([])
  const described = JSON.parse(describeJson(loaded, table))
  expect(described).toMatchObject({
    required_engine_version: '0.63.0',
    lists: [{ info: { name: 'shells' }, details: { items_compiled: ['bash', 'sh'], used: true } }],
    macros: [{ info: { name: 'shell' }, details: { condition_compiled: 'proc.name in (bash, sh)' } }],
    rules: [
      {
        info: { name: 'r', enabled: true, priority: 'Informational', tags: ['a', 'b'] },
        details: {
          condition_compiled: '((evt.type = execve and proc.name in (bash, sh)) and not tolower(proc.pname) = cron)',
          condition_fields: ['evt.type', 'proc.name', 'proc.pname'],
          condition_operators: ['=', 'in'],
          events: ['execve'],
          exception_names: ['x'],
          lists: [],
          macros: ['shell'],
          output_fields: ['proc.name'],
        },
      },
    ],
  }) // prettier-ignore
  expect(JSON.parse(describeJson(loaded, table, 'none'))).toEqual({ rules: [] })
})
