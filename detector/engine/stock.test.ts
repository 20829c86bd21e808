/** Falco's stock rule files, unmodified: they load without a mistake and are compiled; so are our own. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from '@jest/globals'
import { interpret } from '../../contract/condition/interpret.ts'
import { k8sAuditSource, ruleSources, syscallSource } from '../rule-sources.ts'
import { sharedData } from '../../scripts/shared-data.ts'
import { drawEvent, newRandom } from './events.fixture.ts'
import { newEvent, newFixture } from './fields.fixture.ts'
import { loadRules } from './load/load.ts'
import { createRuleset } from './ruleset.ts'

const stock = ['falco_rules.yaml', 'falco-incubating_rules.yaml', 'falco-sandbox_rules.yaml']
const { eventNames } = syscallSource
const folder = sharedData('falco-rules')
const title = (text: string) =>
  folder === undefined ? `${text}: skipped, data/falco-rules is not on this machine` : text
const withStock = folder === undefined ? test.skip : test

const read = (names: readonly string[], from = folder ?? '') =>
  names.map((name) => ({ name, text: readFileSync(join(from, name), 'utf8') }))

const everything = {
  matching: 'all', source: syscallSource,
  selection: [{ operation: 'enable', by: 'rule', pattern: '*' }],
} as const // prettier-ignore

withStock(
  title('the three stock files load with our fields, no error, all 93 rules compiled'),
  () => {
    const { rules, problems } = loadRules(read(stock), { sources: ruleSources })
    expect(problems).toEqual([])
    const ruleset = createRuleset(rules, everything)
    expect(ruleset.rules).toHaveLength(93)
    expect(ruleset.wantedEvents.size).toBe(41)
    expect(createRuleset(rules, { ...everything, selection: [] }).rules).toHaveLength(81)
  },
)

withStock(title('each stock file loads alone'), () => {
  const counts = stock.map((name) => {
    const { rules, problems } = loadRules(read([name]), { sources: ruleSources })
    expect(problems.filter(({ severity }) => severity === 'error')).toEqual([])
    return rules.length
  })
  expect(counts).toEqual([25, 31, 37])
})

withStock(title('the Kubernetes audit rules load and are compiled for their own source'), () => {
  const { rules, problems } = loadRules(read(['k8s_audit_rules.yaml']), {
    sources: ruleSources,
  })
  expect(problems).toEqual([])
  const ruleset = createRuleset(rules, { matching: 'all', source: k8sAuditSource })
  expect(ruleset.rules).toHaveLength(48)
})

withStock(
  title('compiled and interpreted, the stock rules match the same synthetic events'),
  () => {
    const fixture = newFixture()
    const { rules } = loadRules(read(stock), { sources: fixture.sources })
    const { evaluate, rules: running } = createRuleset(rules, {
      ...everything,
      source: { ...syscallSource, fields: fixture.table },
    })
    const random = newRandom(20_261_121)
    const matched = new Set<string>()
    for (let index = 0; index < 4000; index++) {
      const { name, values } = drawEvent(random)
      fixture.show(fixture.arrange(values))
      const event = newEvent(eventNames.indexOf(name))
      const found: string[] = []
      evaluate(event, (rule) => found.push(rule.name))
      const expected = running
        .filter((rule) => interpret(rule.bound, event))
        .map((rule) => rule.name)
      expect(found).toEqual(expected)
      for (const rule of found) matched.add(rule)
    }
    expect(matched.size).toBeGreaterThan(15)
  },
)

test('our own rules load without a mistake', () => {
  const from = join(import.meta.dirname, '../../rules')
  const names = readdirSync(from).filter((name) => name.endsWith('.yaml'))
  const { rules, problems } = loadRules(read(names.toSorted(), from), { sources: ruleSources })
  expect(problems.filter(({ code }) => !code.startsWith('LOAD_UNUSED'))).toEqual([])
  expect(rules.length).toBeGreaterThan(30)
})
