import { expect, test } from '@jest/globals'
import { syscallSource } from '../rule-sources.ts'
import { newRandom } from './events.fixture.ts'
import { type Values, newEvent, newFixture } from './fields.fixture.ts'
import { loadRules } from './load/load.ts'
import { createRuleset } from './ruleset.ts'

const { eventNames } = syscallSource

function load(files: readonly { name: string; text: string }[], matching: 'first' | 'all') {
  const fixture = newFixture()
  const { rules, problems } = loadRules(files, { sources: fixture.sources })
  expect(problems.filter(({ severity }) => severity === 'error')).toEqual([])
  const source = { ...syscallSource, fields: fixture.table }
  const { evaluate, possible } = createRuleset(rules, {
    matching,
    source,
    selection: [{ operation: 'enable', by: 'rule', pattern: '*' }],
  })
  const eventOf = (name: string, values: Values) => {
    fixture.show(fixture.arrange(values))
    return newEvent(eventNames.indexOf(name))
  }
  const matchingOf = (name: string, values: Values) => {
    const found: string[] = []
    evaluate(eventOf(name, values), (rule) => found.push(rule.name))
    return found
  }
  const possibleOf = (name: string, values: Values) =>
    possible(eventOf(name, values)).map((rule) => rule.name)
  return { matching: matchingOf, possible: possibleOf }
}

const rule = (name: string, condition: string) =>
  `- rule: ${name}\n  desc: d\n  condition: evt.type = openat and ${condition}\n  output: o\n  priority: WARNING\n`

const text = `
- macro: trusted
  condition: (container.image.repository in (good) or proc.name = cron)
${rule('image', 'container.image.repository = bad')}
${rule('image of sh', 'proc.name = sh and container.image.repository = bad')}
${rule('not trusted', 'fd.name = /etc/shadow and not trusted')}
${rule('image or sh', '(proc.name = sh or container.privileged = true)')}
${rule('other field', 'proc.name = val(container.image)')}
${rule('plain', 'fd.name = /etc/shadow')}
`

test('rules that something late may make true, or untrue, are open, and those that are decided by the rest are not', () => {
  const { possible } = load([{ name: 'r.yaml', text }], 'all')
  const values = { 'evt.type': 'openat', 'fd.name': '/etc/shadow', 'proc.name': 'vi' }
  expect(possible('openat', values)).toEqual([
    'image',
    'not trusted',
    'image or sh',
    'other field',
    'plain',
  ])
  expect(possible('openat', { ...values, 'proc.name': 'cron', 'fd.name': '/x' })).not.toContain(
    'not trusted',
  )
  expect(possible('openat', { ...values, 'proc.name': 'cron' })).not.toContain('not trusted')
  expect(possible('execve', values)).toEqual([])
})

test('an event whose rules nothing late decides has none', () => {
  const few = [rule('image of sh', 'proc.name = sh and container.image = x'), rule('plain', 'evt.num > 0')] // prettier-ignore
  const { possible } = load([{ name: 'r.yaml', text: few.join('') }], 'first')
  const values = { 'evt.type': 'openat', 'evt.num': 1, 'proc.name': 'vi' }
  expect(possible('openat', values)).toEqual([])
  expect(possible('openat', { ...values, 'proc.name': 'sh' })).toEqual(['image of sh', 'plain'])
})

const atoms = [
  'proc.name = a', 'proc.name != a', 'proc.name exists', 'fd.num > 3', 'container.image = a', 'container.image != a',
  'container.image exists', 'container.image startswith a', 'container.privileged = true', 'proc.name = val(container.image)',
  'toupper(container.image) = A', 'container.mount.dest[/x] in (a, b)',
] // prettier-ignore
const late: readonly Values[] = [undefined, 'a', 'b'].flatMap((image) =>
  [undefined, true, false].map((privileged) => ({
    'container.image': image,
    'container.privileged': privileged,
    'container.mount.dest[/x]': image,
  })),
)

test('whatever late fields turn out to be, no rule answers otherwise that was not open', () => {
  const random = newRandom(20_261_121)
  const draw = (depth: number): string => {
    const shape = depth === 0 ? 0 : Math.floor(random() * 4)
    if (shape === 0) return atoms[Math.floor(random() * atoms.length)] ?? ''
    if (shape === 1) return `not (${draw(depth - 1)})`
    return `(${draw(depth - 1)} ${shape === 2 ? 'and' : 'or'} ${draw(depth - 1)})`
  }
  const rules = Array.from({ length: 300 }, (_, index) => rule(`r${index}`, draw(4)))
  const { matching, possible } = load([{ name: 'r.yaml', text: rules.join('') }], 'all')
  const seen = { changed: 0, decided: 0 }
  for (const name of [undefined, 'a', 'b'])
    for (const number of [undefined, 2, 5]) {
      const known = { 'evt.type': 'openat', 'proc.name': name, 'fd.num': number }
      const open = new Set(possible('openat', known))
      const before = matching('openat', known)
      expect([...open]).toEqual(expect.arrayContaining(before))
      for (const more of late) {
        const after = matching('openat', { ...known, ...more })
        expect(after.filter((one) => !open.has(one))).toEqual([])
        seen.changed += after.filter((one) => !before.includes(one)).length
      }
      seen.decided += rules.length - open.size
    }
  expect(seen.changed).toBeGreaterThan(100)
  expect(seen.decided).toBeGreaterThan(100)
})
