import { expect, test } from '@jest/globals'
import { printNode } from '../../../contract/condition/ast.ts'
import { printProblem } from '../../../contract/problem.ts'
import { newFixture } from '../fields.fixture.ts'
import { loadRules } from './load.ts'
import type { SourceFile } from './read.ts'

const file = (text: string, name = 'rules.yaml'): SourceFile => ({ name, text })

const load = (...files: readonly (string | SourceFile)[]) =>
  loadRules(
    files.map((given) => (typeof given === 'string' ? file(given) : given)),
    { sources: newFixture().sources, actions: ['kill_process', 'freeze'] },
  )

const rule = (condition: string, more = '') =>
  `- rule: r\n  desc: d\n  condition: ${condition}\n  output: o\n  priority: INFO\n${more}`

/** `CODE line:column message` of each problem but the unused-ones. */
const problemsOf = (...files: readonly (string | SourceFile)[]) =>
  load(...files)
    .problems.filter(({ code }) => !code.startsWith('LOAD_UNUSED'))
    .map(({ code, line, column, message }) => `${code} ${line}:${column} ${message}`)

const conditionOf = (...files: readonly string[]) => load(...files).rules.map(({ condition }) => printNode(condition)) // prettier-ignore

test('every mistake of a file is reported at once, with file, line, column and a caret', () => {
  const text = [
    '- macro: shells_run',
    '  condition: >',
    '    evt.type = execve and',
    '    proc.nme = bash',
    '- rule: one',
    '  desc: d',
    '  condition: evt.type = opn and proc.name = cat',
    '  output: "%proc.nosuch ran"',
    '  priority: INFO',
    '- rule: two',
    '  desc: d',
    '  condition: shells_run and fd.num = abc',
    '  output: o',
    '  priority: URGENT',
    '- rule: three',
    '  desc: d',
    '  condition: shells_run and nosuch',
    '  output: o',
    '  priority: INFO',
  ].join('\n')
  const { problems } = load(text)
  const printed = problems
    .filter(({ severity }) => severity === 'error')
    .map((problem) => printProblem(problem, text))
  expect(printed).toEqual([
    'rules.yaml:14:13  Invalid priority\n   14 |   priority: URGENT\n      |             ^^^^^^',
    'rules.yaml:8:13  invalid formatting token proc.nosuch ran (no such field)\n    8 |   output: "%proc.nosuch ran"\n      |             ^^^^^^^^^^^',
    'rules.yaml:7:25  unknown event type opn\n    7 |   condition: evt.type = opn and proc.name = cat\n      |                         ^^^',
    "rules.yaml:17:29  Undefined macro 'nosuch' used in filter.\n   17 |   condition: shells_run and nosuch\n      |                             ^^^^^^",
  ])
})

test('a mistake in a macro is shown in the macro, for the rule that uses it', () => {
  const text = `- macro: m\n  condition: >\n    evt.type = execve and\n    proc.nme = bash\n${rule('m')}`
  expect(problemsOf(text)).toEqual([
    'LOAD_ERR_COMPILE_CONDITION 4:5 filter_check called with nonexistent field proc.nme (did you mean proc.name?)',
  ])
})

test.each([
  ['x in (a)', 'x in (a)'],
  ['x in (some)', 'x in ( one, "two words", three )'],
  ['x in (some, b)', 'x in ( one, "two words", three , b)'],
  ['x in (a,some)', 'x in (a, one, "two words", three )'],
  ['x in (a, none)', 'x in (a  )'],
  ['x in (none, a)', 'x in (   a)'],
  ['x = "it is some text"', 'x = "it is one, "two words", three text"'],
  ['x = awesome', 'x = awesome'],
])('the list names in %j become %j', async (condition, expected) => {
  const { substituteLists } = await import('./lists.ts')
  const lists = [
    { name: 'some', items: ['one', 'two words', 'three'] },
    { name: 'none', items: [] },
  ]
  expect(substituteLists(condition, lists, new Set())).toBe(expected)
})

test('a list sees lists defined before it, a condition sees all of them', () => {
  const text = [
    '- list: late_user\n  items: [early, late]',
    rule('proc.name in (late_user, late, again)'),
    '- list: early\n  items: [e]',
    '- list: late\n  items: [l]',
    '- list: again\n  items: [early]',
  ].join('\n')
  expect(conditionOf(text)).toEqual(['proc.name in (e, l, l, e)'])
})

test('a macro sees only macros before it, unless it was changed after them', () => {
  const inner = '- macro: inner\n  condition: proc.name = a\n'
  const outer = '- macro: outer\n  condition: inner\n'
  expect(problemsOf(`${outer}${inner}${rule('outer')}`)).toEqual([
    "LOAD_ERR_VALIDATE 2:14 Undefined macro 'inner' used in filter.",
  ])
  expect(conditionOf(`- macro: outer\n  condition: fd.num = 1\n${inner}${outer}${rule('outer')}`)).toEqual(['proc.name = a']) // prettier-ignore
})

test('macros that name each other are a loop', () => {
  const text = `- macro: a\n  condition: fd.num = 1\n- macro: b\n  condition: a\n- macro: a\n  condition: b\n${rule('a')}`
  expect(problemsOf(text).join()).toContain("reference loop in macro 'b'")
})

test('a redefinition keeps the place of the first, append adds, override replaces what it names', () => {
  const base = `${rule('evt.type = open', '  tags: [t1]\n')}${rule('evt.type = dup').replace('rule: r', 'rule: s')}`
  const changed = [
    rule('evt.type = openat', '  tags: [t2]\n'),
    '- rule: r\n  condition: and fd.num = 1\n  tags: [t3]\n  priority: ERROR\n  enabled: no\n  override: {condition: append, tags: append, priority: replace, enabled: replace}\n',
  ].join('')
  const { rules, problems } = load(base, file(changed, 'local.yaml'))
  expect(problems).toEqual([])
  expect(rules.map(({ name }) => name)).toEqual(['r', 's'])
  expect(rules[0]).toMatchObject({ tags: ['t2', 't3'], priority: 'Error', isEnabled: false })
  expect(printNode(rules[0]?.condition ?? { kind: 'macro', name: 'none', at: 0 })).toBe('(evt.type = openat and fd.num = 1)') // prettier-ignore
})

const exceptions = (text: string) => conditionOf(rule('evt.type = open', `  exceptions:\n${text}`))

test('exceptions become conditions', () => {
  expect(exceptions('    - {name: x, fields: proc.name, values: [cat, "a b"]}\n')).toEqual([
    '(evt.type = open and not proc.name in (cat, "a b"))',
  ])
  expect(
    exceptions('    - {name: x, fields: [proc.name, fd.name], comps: [=, startswith], values: [[cat, /etc], [dog, "/a b"]]}\n'),
  ).toEqual([
    '(evt.type = open and not ((proc.name = cat and fd.name startswith /etc) or (proc.name = dog and fd.name startswith "/a b")))',
  ]) // prettier-ignore
  expect(
    exceptions('    - {name: x, fields: [proc.name, fd.name], comps: [in, "startswith oneof"], values: [[[a, b], [/x, /y]], [c, /z]]}\n'),
  ).toEqual([
    '(evt.type = open and not ((proc.name in (a, b) and fd.name startswith oneof (/x, /y)) or (proc.name in (c) and fd.name startswith oneof (/z))))',
  ]) // prettier-ignore
  expect(exceptions('    - {name: x, fields: [proc.name]}\n')).toEqual(['evt.type = open'])
})

const wrong: readonly (readonly [string, string])[] = [
  ['- rule: r\n  condition: x\n  output: o\n  desc: d', "LOAD_ERR_YAML_VALIDATE 1:3 Item has no mapping for key 'priority'"],
  ['- rule:\n  desc: d', "LOAD_ERR_YAML_VALIDATE 1:3 Mapping for key 'rule' is empty"],
  ['- list: l', "LOAD_ERR_YAML_VALIDATE 1:3 Item has no mapping for key 'items'"],
  ['- list: l\n  items: a', 'LOAD_ERR_YAML_VALIDATE 2:10 Value is not a sequence'],
  ['- list: l\n  items: [[a]]', 'LOAD_ERR_YAML_VALIDATE 2:11 sequence value is not scalar'],
  ['- macro: m\n  condition: [a]', 'LOAD_ERR_YAML_VALIDATE 2:14 Value is not a scalar value'],
  ['- macro: m\n  condition: ""', 'LOAD_ERR_YAML_VALIDATE 2:14 Value must be non-empty'],
  [rule('fd.num=1 and evt.type=dup', '  enabled: maybe\n'), "LOAD_ERR_YAML_VALIDATE 6:12 Can't decode YAML scalar value"],
  ['- rule: r\n  append: true\n  condition: x', "no rule by that name already exists"],
  ['- list: l\n  append: true\n  items: [a]', "List uses 'append'"],
  ['- macro: m\n  override: {condition: append}\n  condition: x', "Macro uses 'append'"],
  ['- macro: m\n  append: true\n  override: {condition: append}\n  condition: x', "Keys 'override' and 'append: true' cannot be used together"],
  ['- rule: r\n  override: {priority: append}\n  priority: INFO', "2:14 Key 'priority' cannot be appended to, use 'replace' instead"],
  ['- rule: r\n  override: {source: replace}\n  source: x', "2:14 Key 'source' cannot be replaced"],
  ['- rule: r\n  override: {desc: remove}\n  desc: x', "2:20 Invalid override operation for key 'desc': 'remove'. Allowed values are: append replace "],
  ['- rule: r\n  override: {desc: replace}', "An replace override for 'desc' was specified but 'desc' is not defined"],
  ['- rule: r\n  override: {desc: replace}\n  desc: x\n  tags: [a]', "4:3 Unexpected key 'tags': no corresponding entry under 'override' is defined."],
  ['- required_engine_version: 0.64.0', 'LOAD_ERR_VALIDATE 1:3 Rules require engine version 0.64.0, but engine version is 0.63.0'],
  ['- required_engine_version: 1.0.0', 'Rules require engine version 1.0.0'],
  ['- required_engine_version: x', "Unable to parse engine version 'x'"],
  ['- required_plugin_versions:\n  - name: container\n    version: 99.0.0', 'Plugin requirement not satisfied, must load one of: container (>= 99.0.0)'],
  ['- required_plugin_versions:\n  - name: okta\n    version: 0.1.0', 'Plugin requirement not satisfied'],
  ['- required_plugin_versions:\n  - name: container\n    version: x', "Invalid required version 'x' for plugin 'container'"],
  ['a: b', 'Rules content is not yaml array of objects'],
  ['text', 'Rules content is not yaml'],
  ['- text', 'Each element should be a yaml associative array.'],
  ['- a: [b', 'LOAD_ERR_YAML_PARSE'],
  ['- what: ever', 'LOAD_UNKNOWN_ITEM 1:3 Unknown top level item'],
  [rule('evt.type=dup', '  typo: 1\n'), "LOAD_UNKNOWN_KEY 6:3 Unknown key 'typo'. The key will be ignored."],
  [rule('evt.type=dup', '  source: nowhere\n'), 'LOAD_UNKNOWN_SOURCE 1:3 Unknown source nowhere, skipping'],
  [rule('proc.name = a'), 'LOAD_NO_EVTTYPE 1:3'],
  [rule('evt.type=dup and evt.dir = <'), 'LOAD_DEPRECATED_ITEM 3:31'],
  [rule('evt.type=dup and proc.name = proc.pname'), "LOAD_COMPILE_CONDITION 3:43 'proc.pname' may be a valid field"],
  [rule('evt.type=dup and proc.name = "tolower(proc.pname)"'), 'may be a valid field transformer'],
  [rule('evt.type=dup and proc.name regex ".*sh"'), 'may be optimized'],
  [rule('evt.type=dup and proc.nme = a', '  skip-if-unknown-filter: true\n'), 'LOAD_UNKNOWN_FILTER 3:31 filter_check called with nonexistent field proc.nme'],
  [rule('ka.verb = "<NA>"', '  source: k8s_audit\n'), 'LOAD_UNSAFE_NA_CHECK 3:14'],
  [rule('evt.type=dup and ka.verb = get'), 'nonexistent field ka.verb'],
  ['- macro: a-b\n  condition: fd.num=1', 'LOAD_INVALID_MACRO_NAME'],
  ['- list: "a b"\n  items: [a]', 'LOAD_INVALID_LIST_NAME'],
  [rule('evt.type=dup', '  actions: [kil_process]\n'), 'LOAD_ERR_VALIDATE 6:13 unknown action "kil_process"; did you mean kill_process?'],
  [rule('evt.type=dup', '  actions: [{freeze: 1}]\n'), 'the parameters of freeze must be a mapping'],
  [rule('evt.type=dup', '  exceptions: [{name: x, fields: nosuch.field}]\n'), "'nosuch.field' is not a supported filter field"],
  [rule('evt.type=dup', '  exceptions: [{name: x, fields: proc.name, comps: contains}]\n'), 'When fields is a single value, comps must be one of'],
] // prettier-ignore

test.each(wrong)('%j is answered with %s', (text, message) => {
  expect(problemsOf(text).join('\n')).toContain(message)
})

test('an item that could not be read is not held against those that build on it', () => {
  const text = '- rule: r\n  desc: d\n- rule: r\n  append: true\n  condition: and fd.num = 1\n'
  expect(problemsOf(text).filter((line) => line.includes('ERR'))).toEqual([
    "LOAD_ERR_YAML_VALIDATE 1:3 Item has no mapping for key 'condition'",
    "LOAD_ERR_YAML_VALIDATE 1:3 Item has no mapping for key 'output'",
    "LOAD_ERR_YAML_VALIDATE 1:3 Item has no mapping for key 'priority'",
  ])
})

test('actions are names or maps of a name to parameters, and can be appended', () => {
  const base = rule(
    'evt.type = dup',
    '  actions:\n    - kill_process: {scope: tree, grace: 3, hard: true, id: "7"}\n',
  )
  const local = '- rule: r\n  actions: [freeze]\n  override: {actions: append}\n'
  expect(load(base, file(local, 'local.yaml')).rules[0]?.actions).toEqual([
    { name: 'kill_process', parameters: { scope: 'tree', grace: 3, hard: true, id: '7' } },
    { name: 'freeze', parameters: {} },
  ])
})

test('booleans are those of YAML 1.1, and several documents are one file', () => {
  const text = `${rule('evt.type = dup', '  enabled: Off\n')}---\n# nothing\n---\n${rule('evt.type = dup2').replace('rule: r', 'rule: s')}`
  expect(load(text).rules.map(({ name, isEnabled }) => [name, isEnabled])).toEqual([
    ['r', false],
    ['s', true],
  ])
})

const nested = (name: string, inner: string) =>
  `- macro: ${name}\n  condition: ${'not(fd.num = 1 or '.repeat(190)}${inner}${')'.repeat(190)}\n`

test('macros that nest too deep together are an error, not a crash', () => {
  const names = ['a', 'b', 'c', 'd', 'e']
  const macros = names.map((name, index) => nested(name, names[index - 1] ?? 'fd.num = 2')).join('')
  expect(problemsOf(`${macros}${rule('evt.type = dup and e')}`).join()).toContain(
    'macros nest too deep',
  )
  expect(problemsOf(`${nested('a', 'fd.num = 2')}${rule('evt.type = dup and a')}`)).toEqual([])
})
