/**
 * The rules of one event name → one generated function. Fields are read once, when first asked for; what several rules
 * ask is computed once; every literal and reader is an element of a constants table, never source text.
 */
import type { Bound } from '../../contract/condition/bound.ts'
import { Emitter } from './emit.ts'
import { Graph, type GraphNode } from './graph.ts'

/** Is called for each rule that matches, in order; `rule` is what was given with its condition. */
export type OnMatch<Rule, Subject> = (rule: Rule, event: Subject) => void
export type Judge<Rule, Subject> = (event: Subject, onMatch: OnMatch<Rule, Subject>) => void

export interface Conditioned<Rule, Subject> {
  readonly rule: Rule
  /** True: it holds for every event of this name. */
  readonly condition: Bound<Subject> | true
}

export type Matching = 'first' | 'all'

export function compileJudge<Rule, Subject>(
  rules: readonly Conditioned<Rule, Subject>[],
  matching: Matching,
): Judge<Rule, Subject> {
  const graph = new Graph<Subject>()
  const roots = rules.map(({ rule, condition }): [Rule, GraphNode<Subject> | true] => [
    rule,
    condition === true ? true : graph.add(condition),
  ])
  const emitter = new Emitter()
  const isSet = new Set<string>()
  const steps = roots.map(([rule, root]) => {
    const test = root === true ? 'true' : emitter.node(root, isSet)
    const call = `onMatch(${emitter.constant(rule)}, event)`
    return matching === 'first' ? `if (${test}) { ${call}; return }` : `if (${test}) ${call}`
  })
  const names = emitter.constants.map((_value, index) => `c${index}`)
  const source = [
    '"use strict"',
    `const [${names.join(', ')}] = constants`,
    'return function judge(event, onMatch) {',
    ...emitter.locals(),
    ...steps,
    '}',
  ].join('\n')
  // The one place that makes code: from node kinds and numbers of ours, no text of a rule (compile.test.ts, hostile texts).
  // oxlint-disable-next-line no-new-func, typescript/no-implied-eval
  const make = new Function('constants', source)
  return make(emitter.constants)
}
