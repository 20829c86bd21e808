import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from '@jest/globals'
import { newFixture } from '../fields.fixture.ts'
import { readRuleFiles } from './files.ts'
import { loadRules } from './load.ts'
import { validationJson, validationText } from './results.ts'

const good =
  '- rule: good\n  desc: d\n  condition: evt.type = open\n  output: o\n  priority: INFO\n'
const bad = good
  .replace('good', 'bad')
  .replace('evt.type = open', 'evt.type = open and not proc.nme = x')

const load = (...texts: readonly string[]) =>
  loadRules(
    texts.map((text, index) => ({ name: `${index}.yaml`, text })),
    { sources: newFixture().sources },
  )

test('a load is printed a file at a time, errors with their chain, snippet and code', () => {
  expect(validationText(load(good, `${good}- list: l\n  items: [a]\n`, bad))).toBe(
    [
      '0.yaml: Ok',
      '1.yaml: Ok, with warnings',
      '2.yaml: Invalid',
      '1 Errors:',
      'In rules content: (2.yaml:0:0)',
      "    rule 'bad': (2.yaml:0:2)",
      '    rule condition: (2.yaml:2:13)',
      '    condition expression: ("evt.type = open a...":3:38)',
      '------',
      'evt.type = open and not proc.nme = x',
      '                        ^',
      '------',
      'LOAD_ERR_COMPILE_CONDITION (Error compiling condition): filter_check called with nonexistent field proc.nme',
      '',
    ].join('\n'),
  )
})

test('a load as JSON has a result a file with its errors and warnings', () => {
  const results = JSON.parse(validationJson(load(good, '- macro: m\n  condition: x y\n')))
  expect(results).toEqual({
    falco_load_results: [
      { errors: [], name: '0.yaml', successful: true, warnings: [] },
      {
        errors: [
          {
            code: 'LOAD_ERR_COMPILE_CONDITION',
            codedesc: 'Error compiling condition',
            context: {
              locations: [
                { item_name: '', item_type: 'rules content', position: { column: 0, line: 0, name: '1.yaml', offset: 0 } },
                { item_name: 'm', item_type: 'macro', position: { column: 2, line: 0, name: '1.yaml', offset: 2 } },
                { item_name: '', item_type: 'macro condition', position: { column: 13, line: 1, name: '1.yaml', offset: 24 } },
                { item_name: '', item_type: 'condition expression', position: { column: 16, line: 2, name: '"x y"', offset: 26 } },
              ],
              snippet: 'x y\n  ^\n',
            },
            message: "unexpected token after 'x', expecting 'or', 'and'",
          },
        ],
        name: '1.yaml',
        successful: false,
        warnings: [
          {
            code: 'LOAD_UNUSED_MACRO',
            codedesc: 'Unused macro',
            context: {
              locations: [
                { item_name: '', item_type: 'rules content', position: { column: 0, line: 0, name: '1.yaml', offset: 0 } },
                { item_name: 'm', item_type: 'macro', position: { column: 2, line: 0, name: '1.yaml', offset: 2 } },
              ],
              snippet: '- macro: m\n  ^\n',
            },
            message: 'Macro not referred to by any other rule/macro',
          },
        ],
      },
    ],
  }) // prettier-ignore
})

test('a long line is shown around the place', () => {
  const long = good.replace('evt.type = open', `evt.type = open and proc.name in (${'abcdefgh, '.repeat(40)}x) oops`) // prettier-ignore
  const [, line = '', caret = ''] = validationText(load(long)).split('------')[1]?.split('\n') ?? []
  expect(line.length).toBeLessThanOrEqual(160)
  expect(line.startsWith('...')).toBe(true)
  expect(line.slice(caret.indexOf('^'))).toBe('oops')
})

test('a folder stands for its yaml files in alphabetical order, other names are passed over', () => {
  const folder = mkdtempSync(join(tmpdir(), 'riposte-rules-'))
  try {
    for (const name of ['b.yaml', 'a.yml', 'notes.txt', 'c.yaml.bak'])
      writeFileSync(join(folder, name), name)
    mkdirSync(join(folder, 'deeper.yaml'))
    const single = join(folder, 'b.yaml')
    const { files, unreadable } = readRuleFiles([folder, single, join(folder, 'notes.txt'), join(folder, 'gone.yaml')]) // prettier-ignore
    expect(files.map(({ text }) => text)).toEqual(['a.yml', 'b.yaml', 'b.yaml'])
    expect(unreadable).toEqual([
      { path: join(folder, 'gone.yaml'), reason: 'no such file', isMissing: true },
    ])
  } finally {
    rmSync(folder, { recursive: true })
  }
})
