/**
 * What judging an event costs: nanoseconds of CPU an event with the stock rules, compiled and interpreted, on 40 %
 * openat, 10 % execve, 10 % connect, 40 % others. Field values are at hand, so this is the engine alone.
 * Goals: 120 ns for the stable 25, 300 ns for all 93.
 */
import { readFileSync } from 'node:fs'
import { interpret } from '../../contract/condition/interpret.ts'
import { sharedData } from '../../scripts/shared-data.ts'
import { events } from '../events/schema.ts'
import { hasName } from './event-types.ts'
import { drawEvent, newRandom } from './events.fixture.ts'
import { newEvent, newFixture } from './fields.fixture.ts'
import { loadRules } from './load/load.ts'
import { createRuleset } from './ruleset.ts'

const EVENTS = 1000
const ROUNDS = 300

const stable = ['falco_rules.yaml']
const all = [...stable, 'falco-incubating_rules.yaml', 'falco-sandbox_rules.yaml']

function measure(title: string, names: readonly string[], selectAll: boolean): void {
  const files = names.flatMap((name) => {
    const path = sharedData(`falco-rules/${name}`)
    return path === undefined ? [] : [{ name, text: readFileSync(path, 'utf8') }]
  })
  const fixture = newFixture()
  const { rules } = loadRules(files, { sources: fixture.sources })
  const eventNames = events.map(({ name }) => name)
  const ruleset = createRuleset(rules, {
    matching: 'first', source: { name: 'syscall', fields: fixture.table, eventNames },
    selection: selectAll ? [{ operation: 'enable', by: 'rule', pattern: '*' }] : [],
  }) // prettier-ignore
  const random = newRandom(1)
  const drawn = Array.from({ length: EVENTS }, () => drawEvent(random))
  const mix = drawn.map(({ name, values }) => ({
    event: newEvent(eventNames.indexOf(name)),
    values: fixture.arrange(values),
    rules: ruleset.rules.filter((rule) => hasName(rule.names, name)),
  }))
  let matches = 0
  const count = () => {
    matches++
  }
  const compiled = median(() => {
    for (const { event, values } of mix) {
      fixture.show(values)
      ruleset.evaluate(event, count)
    }
  })
  const matched = matches / ROUNDS
  const interpreted = median(() => {
    for (const { event, values, rules: candidates } of mix) {
      fixture.show(values)
      candidates.find((rule) => interpret(rule.bound, event))
    }
  })
  const ratio = (interpreted / compiled).toFixed(1)
  console.log(
    `${title.padEnd(34)} ${compiled.toFixed(0).padStart(5)} ns/event  interpreted ${interpreted.toFixed(0).padStart(6)} (${ratio}x)  ${matched} of ${EVENTS} match`,
  )
}

/** Nanoseconds of CPU an event. */
function median(round: () => void): number {
  const costs = Array.from({ length: ROUNDS }, () => {
    const before = process.cpuUsage()
    round()
    const { user, system } = process.cpuUsage(before)
    return ((user + system) * 1000) / EVENTS
  })
  return costs.toSorted((a, b) => a - b)[Math.floor(ROUNDS / 2)] ?? 0
}

if (sharedData('falco-rules') === undefined)
  console.log('engine: skipped, the stock rule files are not here (RIPOSTE_SHARED)')
else {
  measure('engine: stable 25 rules', stable, true)
  measure('engine: enabled of all 93 rules', all, false)
  measure('engine: all 93 rules', all, true)
}
