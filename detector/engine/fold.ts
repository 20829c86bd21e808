/** A condition for events of one name: checks on evt.type are decided, and whatever that decides goes away. */
import type { Bound, BoundTest } from '../../contract/condition/bound.ts'
import { holds, withModifier } from '../../contract/condition/interpret.ts'

/** A boolean where nothing is left to ask. */
export type Folded<Subject> = Bound<Subject> | boolean

export function foldForEvent<Subject>(condition: Bound<Subject>, name: string): Folded<Subject> {
  switch (condition.kind) {
    case 'and':
    case 'or':
      return foldChain(
        condition.kind,
        condition.children.map((child) => foldForEvent(child, name)),
      )
    case 'not': {
      const child = foldForEvent(condition.child, name)
      if (typeof child === 'boolean') return !child
      return child.kind === 'not' ? child.child : { kind: 'not', child }
    }
    case 'exists':
      return condition.left.text === 'evt.type' ? true : condition
    case 'test':
      return foldTest(condition, name)
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
