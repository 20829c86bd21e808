import { expect, test } from '@jest/globals'
import { printProblem } from '../../contract/problem.ts'
import { actions } from '../actions/index.ts'
import { loadPolicies } from './load.ts'

const head =
  'apiVersion: riposte.dev/v1alpha1\nkind: ClusterResponsePolicy\nmetadata: { name: p }\n'

const load = (text: string, name = 'p.yaml') => loadPolicies([{ name, text }], actions)

/** `line:column message` of every problem. */
const remarks = (text: string) =>
  load(text).problems.map(({ line, column, message }) => `${line}:${column} ${message}`)

const ladder = (text: string) =>
  `${head}spec:\n  match: { rules: { names: [A] } }\n  ladder:\n    - name: one\n${text}`

const inMatch = (condition: string) =>
  remarks(`${head}spec:
  match: { condition: '${condition}' }
  ladder: [{ name: one, do: [freeze] }]
`)

const when = (condition: string) => remarks(ladder(`      do: [freeze]\n      when: ${condition}`))

const generation = (text: string) => load(text).set?.generation

const guard = (name: string, spec: string) =>
  `apiVersion: riposte.dev/v1alpha1\nkind: ResponseGuard\nmetadata: { name: ${name} }\nspec: ${spec}\n`

test('a policy of one rung is read with its defaults: in audit, and a kill is for the kernel', () => {
  const { set } = load(ladder('      do: [kill_process]'))
  expect(set?.policies[0]).toMatchObject({
    name: 'p',
    mode: 'audit',
    selection: { names: ['A'], tags: [], minPriority: null, source: null },
    correlate: { by: ['target', 'rule'], windowMs: 900_000, cooldownMs: 60_000 },
    fuse: { max: 5, perMs: 60_000 },
    ladder: [{ actions: [{ name: 'kill_process', where: 'kernel', risk: 'contain' }] }],
  })
})

test('every problem of every document is reported at once, each at its place', () => {
  expect(
    remarks(`${head}spec:
  mode: enforced
  match: { rules: { nmes: [x], minPriority: hot } }
  ladder: [{ name: one, do: [freeze], approve: { timeout: 15 minutes, quorum: 0 } }]
---
kind: ResponsePolcy
`),
  ).toEqual([
    '5:9 unknown mode "enforced"; did you mean enforce?',
    '6:21 unknown key "nmes"; did you mean names?',
    '6:45 unknown priority "hot"; known: Emergency, Alert, Critical, Error, Warning, Notice, Informational, Debug',
    '7:59 timeout must be a duration such as 15m or 1h30m',
    '7:79 quorum must be at least 1',
    '9:7 unknown kind "ResponsePolcy"; did you mean ResponsePolicy?',
  ])
})

test('an unknown action or parameter names the nearest one, beside the mistakes of form', () => {
  const text = ladder(`      do:
        - kill-proces: {}
        - kill_process: { scop: tree }
        - freeze: { scope: all }
      wen: case.count > 1`)
  expect(remarks(text)).toEqual([
    '9:11 unknown action "kill-proces"; did you mean kill_process?',
    '10:27 kill_process has no parameter "scop"; did you mean scope?',
    '11:28 freeze: scope must be one of process, tree, session, container, pod',
    '12:7 unknown key "wen"; did you mean when?',
  ])
})

test('a problem is printed with the line in question and a caret', () => {
  const text = ladder('      do: [isolate_process]')
  const [problem] = load(text).problems
  expect(problem && printProblem(problem, text).split('\n').slice(1)).toEqual([
    '    8 |       do: [isolate_process]',
    '      |            ^^^^^^^^^^^^^^^',
  ])
})

test('conditions are checked: syntax, fields, priorities, durations, rungs', () => {
  expect(inMatch('proc.nam = x')).toEqual([
    '5:23 unknown field "proc.nam"; did you mean proc.name?',
  ])
  expect(inMatch('proc.name = x and (')).toHaveLength(1)
  expect(inMatch('proc.name = x')).toEqual([])
  expect(when('case.age < 1hour')[0]).toMatch('duration such as 15m, not 1hour')
  expect(when('case.priority >= HOT')[0]).toMatch('unknown priority "HOT"')
  expect(when('rung.two.status = done')[0]).toMatch('unknown field "rung.two.status"')
  expect(when('case.count >= 2 and case.age < 1h or case.priority >= ALERT')).toEqual([])
})

test('a strike in the kernel is refused where something must be asked or awaited first', () => {
  const strike = 'do: [{ kill_process: { where: kernel } }]'
  expect(remarks(ladder(`      ${strike}\n      approve: {}`))[0]).toMatch(
    'before anything can be asked',
  )
  expect(remarks(ladder(`      ${strike}\n      when: case.count > 1`))).toHaveLength(1)
  const waiting = `      do: [capture_snapshot]\n      required: true\n    - name: two\n      ${strike}`
  expect(remarks(ladder(waiting))[0]).toMatch('no required rung before it')
})

test('a match that selects everything must be meant', () => {
  const [remark] = remarks(`${head}spec: { match: {}, ladder: [{ name: one, do: [notify] }] }`)
  expect(remark).toBe('4:9 match selects every rule; say minPriority: Debug if that is meant')
})

test('the same name twice is a problem, and the built-in name is taken', () => {
  const text = ladder('      do: [freeze]')
  expect(
    loadPolicies(
      [
        { name: 'a.yaml', text },
        {
          name: 'b.yaml',
          text: text.replace('name: p }', 'name: rule-actions }') + `\n---\n${text}`,
        },
      ],
      actions,
    ).problems.map(({ file, line, message }) => `${file}:${line} ${message}`),
  ).toEqual([
    'b.yaml:3 rule-actions is the name of the built-in policy',
    'b.yaml:12 p is already in a.yaml',
  ])
})

test('a small file does not become a large one: alias bombs and broken YAML are problems', () => {
  const bomb = ['a: &a [x, x, x, x, x, x, x, x, x]']
  for (const [from, to] of ['ab', 'bc', 'cd', 'de'].map((pair) => pair.split('')))
    bomb.push(`${to}: &${to} [${Array.from({ length: 9 }, () => `*${from}`).join(', ')}]`)
  expect(load(bomb.join('\n')).problems).toHaveLength(1)
  expect(load(`${head}spec: [`).problems[0]).toMatchObject({ code: 'yaml' })
  expect(load('').problems).toEqual([])
})

test('the generation follows the content, not the layout', () => {
  const text = ladder('      do: [freeze]')
  expect(generation(`# a comment\n${text}`)).toBe(generation(text))
  expect(generation(text.replace('freeze', 'notify'))).not.toBe(generation(text))
})

test('several guards add up to the strictest', () => {
  const { set } = load(
    [
      guard('a', '{ minApprovals: { destroy: 2 }, protected: { processes: [postgres] } }'),
      guard('b', '{ minApprovals: { destroy: 1, disrupt: 1 }, killSwitch: true }'),
    ].join('---\n'),
  )
  expect(set?.guard).toMatchObject({
    minApprovals: { destroy: 2, disrupt: 1 },
    protectedProcesses: ['postgres'],
    isKillSwitchOn: true,
  })
})
