/** Conditions of which some checks are decided beforehand: whatever they decide goes away. */
import type { Bound, BoundTest } from '../../contract/condition/bound.ts'
import { holds, withModifier } from '../../contract/condition/interpret.ts'

/** A boolean where nothing is left to ask. */
export type Folded<Subject> = Bound<Subject> | boolean

export type Leaf<Subject> = Extract<Bound<Subject>, { kind: 'exists' | 'test' }>

/** For events of one name: checks on evt.type are decided. */
export const foldForEvent = <Subject>(condition: Bound<Subject>, name: string): Folded<Subject> =>
  fold(condition, (leaf) => {
    if (leaf.kind === 'test') return foldTest(leaf, name)
    return leaf.left.text === 'evt.type' ? true : leaf
  })

/** `decide` answers a boolean or the check itself; `isNegated`: it stands below an odd number of nots. */
export function fold<Subject>(
  condition: Bound<Subject>,
  decide: (leaf: Leaf<Subject>, isNegated: boolean) => Folded<Subject>,
  isNegated = false,
): Folded<Subject> {
  switch (condition.kind) {
    case 'and':
    case 'or':
      return foldChain(
        condition.kind,
        condition.children.map((child) => fold(child, decide, isNegated)),
      )
    case 'not': {
      const child = fold(condition.child, decide, !isNegated)
      if (typeof child === 'boolean') return !child
      return child.kind === 'not' ? child.child : { kind: 'not', child }
    }
    case 'exists':
    case 'test':
      return decide(condition, isNegated)
  }
}

function foldTest<Subject>(test: BoundTest<Subject>, name: string): Folded<Subject> {
  if (test.left.text !== 'evt.type' || test.right.kind !== 'constants') return test
  return holds(test, name, withModifier(test.modifier, test.right.tests))
}

function foldChain<Subject>(
  kind: 'and' | 'or',
  children: readonly Folded<Subject>[],
): Folded<Subject> {
  const decides = kind === 'or'
  if (children.includes(decides)) return decides
  const open = children.filter((child) => typeof child !== 'boolean')
  const [only] = open
  if (only === undefined) return !decides
  return open.length === 1 ? only : { kind, children: open }
}
