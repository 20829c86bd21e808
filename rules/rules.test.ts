import { readFileSync, readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, test } from '@jest/globals'
import { checkRules } from '../cli/detect/print-rules.ts'
import { withoutOwnWords } from '../cli/detect/own-words.ts'
import { isTechnique, ownFiles, rulesReference } from './reference.ts'

const here = fileURLToPath(new URL('.', import.meta.url))
const rules = ownFiles().flatMap((file) => file.rules)

test('our rules load, and all there is to say of them is which words of the vocabulary nobody uses', () => {
  const { isValid, problems } = checkRules([here], false)
  expect(isValid).toBe(true)
  expect(new Set(problems.map(({ code }) => code))).toEqual(
    new Set(['LOAD_UNUSED_MACRO', 'LOAD_UNUSED_LIST']),
  )
  expect(withoutOwnWords(problems)).toEqual([])
})

test("an unused macro in somebody else's file is told", () => {
  const problem = {
    code: 'LOAD_UNUSED_MACRO',
    severity: 'warning',
    message: 'Macro not referred to by any other rule/macro',
    file: '/etc/riposte/mine.yaml',
    line: 1,
    column: 1,
  } as const
  expect(withoutOwnWords([problem])).toEqual([problem])
})

test('each rule says what it is about and which technique of ATT&CK it is', () => {
  expect(rules.length).toBeGreaterThanOrEqual(60)
  expect(new Set(rules.map(({ name }) => name)).size).toBe(rules.length)
  for (const { name, desc, tags, output } of rules) {
    expect({ name, isTold: desc.trim().length > 40 }).toEqual({ name, isTold: true })
    expect({ name, isTagged: tags.some(isTechnique) }).toEqual({ name, isTagged: true })
    expect(tags.filter((tag) => tag.startsWith('mitre_'))).not.toEqual([])
    expect(tags.filter((tag) => ['host', 'container', 'kubernetes'].includes(tag))).not.toEqual([])
    expect(output).toMatch(/^\w.* \| \w+=%/s)
  }
})

test('each rule has a test that performs the act', () => {
  const titles = readdirSync(here)
    .filter((name) => name.endsWith('.test.ts'))
    .flatMap((name) => [
      ...readFileSync(`${here}/${name}`, 'utf8').matchAll(
        /^(?:live|audit)Test\(\s*(['"])(.+?)\1,/gm,
      ),
    ])
    .map(([, , title = '']) => title.split(':')[0])
  expect(rules.map(({ name }) => name).filter((name) => !titles.includes(name))).toEqual([])
})

test('docs/reference/rules.md is what the files print', () => {
  const committed = readFileSync(new URL('../docs/reference/rules.md', import.meta.url), 'utf8')
  expect(committed).toBe(rulesReference())
})
