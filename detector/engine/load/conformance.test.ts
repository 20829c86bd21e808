/**
 * Falco's old black-box cases that validate rule files: the expected errors and warnings of each, by item and code.
 * Cases with a capture are not for here. The input is not part of the project (scripts/shared-data.ts).
 */
import { readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { expect, test } from '@jest/globals'
import { parse } from 'yaml'
import { z } from 'zod'
import { sharedData } from '../../../scripts/shared-data.ts'
import { newFixture } from '../fields.fixture.ts'
import { loadRules } from './load.ts'
import type { LoadProblem } from './places.ts'

const expectationSchema = z.object({
  item_type: z.string(),
  item_name: z.string(),
  code: z.string(),
  message: z.string().optional(),
  message_contains: z.string().optional(),
})
type Expectation = z.infer<typeof expectationSchema>

const caseSchema = z.object({
  validate_rules_file: z.union([z.string(), z.array(z.string())]).optional(),
  validate_errors: z.array(expectationSchema).default([]),
  validate_warnings: z.array(expectationSchema).default([]),
  validate_ok: z.array(z.string()).default([]),
})
const suiteSchema = z.object({ trace_files: z.record(z.string(), caseSchema) })

/** Expectations that are older than Falco 0.44, with what holds now (falco-compat 1). */
const outdated: Readonly<Record<string, string>> = {
  invalid_engine_version_not_number: 'a version may be semver now, and the message says so',
  engine_version_mismatch: 'the required version is printed as 0.9999999.0 now',
  invalid_append_macro_dangling: 'the message names the override form too',
  invalid_list_append_dangling: 'the message names the override form too',
  invalid_rule_append_dangling: 'the message names the override form too',
  invalid_yaml_parse_error: 'the sentence is that of another YAML parser',
  validate_skip_unknown_noevt: 'the code is LOAD_UNKNOWN_FILTER now',
}

const { skip } = test
const suites = ['falco_tests.yaml', 'falco_tests_exceptions.yaml']
const folder = sharedData('falco-regression')

type Case = readonly [string, string, z.infer<typeof caseSchema>]

/** Suite, name, what is expected; only of cases that validate files. */
function casesOf(suite: string): readonly Case[] {
  const text = folder === undefined ? 'trace_files: {}' : readFileSync(join(folder, suite), 'utf8')
  const { trace_files: cases } = suiteSchema.parse(parse(text, { logLevel: 'silent' }))
  return Object.entries(cases).flatMap(([name, given]): Case[] =>
    given.validate_rules_file === undefined ? [] : [[suite, name, given]],
  )
}

const cases = suites.flatMap(casesOf)
const current = cases.filter(([, name]) => outdated[name] === undefined)

/** The reporter lists it with its reason. */
const listSkipped = (title: string) => skip(title, () => expect(folder).toBeUndefined())

if (folder === undefined)
  listSkipped('Falco regression cases: skipped, data/falco-regression is not on this machine')
else {
  for (const [suite, name] of cases.filter(([, known]) => outdated[known] !== undefined))
    listSkipped(`${suite}: ${name} is validated as Falco does: skipped, ${outdated[name]}`)

  test('the cases are there', () => {
    expect(current).toHaveLength(34)
  })

  test.each(current)('%s: %s is validated as Falco does', (_suite, _name, given) => {
    const files = [given.validate_rules_file ?? []].flat().map((path) => ({
      name: basename(path),
      text: readFileSync(join(folder, path), 'utf8'),
    }))
    const { problems } = loadRules(files, { sources: newFixture().sources })
    const expected = [...given.validate_errors, ...given.validate_warnings]
    for (const one of expected)
      expect(problems.map(describe)).toContainEqual(expect.stringMatching(patternOf(one)))
    const errors = problems.filter(({ severity }) => severity === 'error')
    expect(errors.length > 0).toBe(given.validate_errors.length > 0)
    for (const name of given.validate_ok)
      expect(errors.map(({ loadedWith }) => loadedWith)).not.toContain(name)
    const ruleWarnings = problems.filter(({ code }) => code === 'LOAD_NO_EVTTYPE')
    const isWhole = given.validate_errors.length === 0
    expect(isWhole ? ruleWarnings.length : 0).toBe(isWhole ? countBroad(expected) : 0)
  })
}

const countBroad = (expected: readonly Expectation[]) =>
  expected.filter(({ code }) => code === 'LOAD_NO_EVTTYPE').length
const escape = (text: string) => text.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`)

/** Every item of the chain, as the suite may name any of them. */
const describe = ({ code, context, falcoMessage }: LoadProblem) =>
  `${code} ${context.map(({ type, name }) => `[${type}|${name}]`).join('')} ${falcoMessage}$`

function patternOf(expected: Expectation): RegExp {
  const item = escape(`[${expected.item_type}|${expected.item_name}]`)
  const message =
    expected.message === undefined
      ? `${escape(expected.message_contains ?? '')}.*`
      : escape(expected.message)
  return new RegExp(String.raw`^${expected.code} .*${item}.* ${message}\$$`, 's')
}
