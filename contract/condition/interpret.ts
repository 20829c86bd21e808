/** The plain meaning of a bound condition: what policies are judged by, and what the compiled engine is tested against. */
import type { Modifier } from './ast.ts'
import type { Bound, BoundTest } from './bound.ts'
import { familyOf, operators, type ScalarTest } from './operators.ts'
import { isArray } from './transformers.ts'
import type { FieldValue, Scalar } from './values.ts'

export function interpret<Subject>(condition: Bound<Subject>, subject: Subject): boolean {
  switch (condition.kind) {
    case 'and':
      return condition.children.every((child) => interpret(child, subject))
    case 'or':
      return condition.children.some((child) => interpret(child, subject))
    case 'not':
      return !interpret(condition.child, subject)
    case 'exists':
      return isPresent(condition.left.read(subject))
    case 'test':
      return interpretTest(condition, subject)
  }
}

/** A check on a missing value is false, whatever the operator, on either side (falco-compat 2.4). */
function interpretTest<Subject>(test: BoundTest<Subject>, subject: Subject): boolean {
  const left = test.left.read(subject)
  if (!isPresent(left)) return false
  if (test.right.kind === 'constants')
    return holds(test, left, withModifier(test.modifier, test.right.tests))
  const right = test.right.operand.read(subject)
  return isPresent(right) && holds(test, left, againstValue(test, right))
}

export const isPresent = (value: FieldValue): value is Scalar | readonly Scalar[] =>
  value !== undefined && !(isArray(value) && value.length === 0)

/** The test of one value against another field's value, prepared anew for each event. */
export function againstValue<Subject>(
  test: Pick<BoundTest<Subject>, 'comparison' | 'left'>,
  right: Scalar | readonly Scalar[],
): ScalarTest {
  const prepared = operators[test.comparison].prepare(
    isArray(right) ? right : [right],
    familyOf(test.left.type),
  )
  return typeof prepared === 'function' ? prepared : () => false
}

/** How a test of one value becomes a test of the field's values. */
export function holds<Subject>(
  { left, comparison }: Pick<BoundTest<Subject>, 'left' | 'comparison'>,
  value: Scalar | readonly Scalar[],
  test: ScalarTest,
): boolean {
  if (!isArray(value)) return test(value)
  const needsEvery =
    left.values === 'list'
      ? operators[comparison].onLists === 'every'
      : left.values === 'endpoints' && comparison === '!='
  return needsEvery ? value.every(test) : value.some(test)
}

/** oneof: exactly one of the listed values; anyof: some; allof: every one. */
export function withModifier(
  modifier: Modifier | undefined,
  tests: readonly ScalarTest[],
): ScalarTest {
  const [first] = tests
  if (modifier === undefined) return first ?? (() => false)
  if (modifier === 'anyof') return (value) => tests.some((test) => test(value))
  if (modifier === 'allof') return (value) => tests.every((test) => test(value))
  return (value) => tests.filter((test) => test(value)).length === 1
}
