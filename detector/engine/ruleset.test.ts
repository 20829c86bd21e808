import { expect, test } from '@jest/globals'
import { newEvent, newFixture } from './fields.fixture.ts'
import { loadRules } from './load/load.ts'
import { createRuleset } from './ruleset.ts'
import type { SelectOptions } from './selection.ts'

const eventNames = ['open', 'execve', 'dup']

const rule = (name: string, condition: string, more = '') =>
  `- rule: ${name}\n  desc: d\n  condition: ${condition}\n  output: o\n  priority: WARNING\n${more}`

const text = [
  rule('Open by shell', 'evt.type = open and proc.name = sh', '  tags: [file, shell]\n'),
  rule('Open by anyone', 'evt.type in (open, openat)', '  tags: [file]\n'),
  rule('Exec', 'evt.type = execve', '  enabled: false\n  tags: [process]\n'),
  rule('Never', 'evt.type = dup and evt.num = 0'),
  rule('Quiet', 'evt.type = dup').replace('WARNING', 'DEBUG'),
].join('')

function run(matching: 'first' | 'all', options: SelectOptions = {}) {
  const fixture = newFixture()
  const { rules, problems } = loadRules([{ name: 'r.yaml', text }], {
    sources: fixture.sources,
  })
  const source = { name: 'syscall', fields: fixture.table, eventNames }
  const ruleset = createRuleset(rules, { matching, source, ...options })
  fixture.show(fixture.arrange({ 'proc.name': 'sh', 'evt.num': 1 }))
  const matches = eventNames.map((_name, id) => {
    const found: string[] = []
    ruleset.evaluate(newEvent(id), (found_) => found.push(found_.name))
    return found
  })
  return { problems, matches, wanted: [...ruleset.wantedEvents] }
}

test('all rules that match are reported in the order of loading, or only the first', () => {
  expect(run('all').matches).toEqual([['Open by shell', 'Open by anyone'], [], ['Quiet']])
  expect(run('first').matches).toEqual([['Open by shell'], [], ['Quiet']])
})

test('events that no running rule can match are not wanted', () => {
  expect(run('all').wanted).toEqual(['open', 'dup'])
  expect(run('all', { minPriority: 'Notice' }).wanted).toEqual(['open'])
})

const by = (operation: 'enable' | 'disable', kind: 'rule' | 'tag', pattern: string) =>
  ({ operation, by: kind, pattern }) as const
const selected = (...selection: NonNullable<SelectOptions['selection']>) =>
  run('all', { selection }).matches

test('rules are switched by name with wildcards and by tag, in order; one switched on runs last', () => {
  expect(selected(by('disable', 'rule', 'Open*'))).toEqual([[], [], ['Quiet']])
  expect(selected(by('enable', 'tag', 'process'))[1]).toEqual(['Exec'])
  expect(selected(by('disable', 'rule', '*'), by('enable', 'tag', 'file'))).toEqual([
    ['Open by shell', 'Open by anyone'],
    [],
    [],
  ])
  expect(
    selected(by('disable', 'rule', 'Open by shell'), by('enable', 'rule', 'Open by shell'))[0],
  ).toEqual(['Open by anyone', 'Open by shell'])
  expect(selected(by('disable', 'rule', 'Open ?y shell'))[0]).toHaveLength(2)
})
