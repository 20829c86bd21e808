/** Which rules may hold of an event while some of its fields are not known yet: the upper bounds of their conditions. */
import { compileJudge, type Conditioned } from './compile.ts'
import { fold, type Folded, type Leaf } from './fold.ts'

/** The rules that hold, or may once the late fields are known, in order; none where those decide nothing. */
export type Possible<Rule, Subject> = (event: Subject) => readonly Rule[]

export function compilePossible<Rule, Subject>(
  rules: readonly Conditioned<Rule, Subject>[],
  lateFields: ReadonlySet<string>,
): Possible<Rule, Subject> {
  const loosened = rules.flatMap(({ rule, condition }) => {
    const { upper, isLate } = loosen(condition, lateFields)
    return upper === false ? [] : [{ rule: { rule, isLate }, condition: upper }]
  })
  if (!loosened.some(({ rule }) => rule.isLate)) return () => []
  const judge = compileJudge(loosened, 'all')
  return (event) => {
    const found: Rule[] = []
    let isOpen = false
    judge(event, ({ rule, isLate }) => {
      found.push(rule)
      isOpen ||= isLate
    })
    return isOpen ? found : []
  }
}

/** A check on a late field may come out either way: each is taken for what lets the whole hold. */
function loosen<Subject>(
  condition: Conditioned<never, Subject>['condition'],
  lateFields: ReadonlySet<string>,
): { readonly upper: Folded<Subject>; readonly isLate: boolean } {
  if (condition === true) return { upper: true, isLate: false }
  let isLate = false
  const upper = fold(condition, (leaf, isNegated) => {
    if (!asksFor(leaf, lateFields)) return leaf
    isLate = true
    return !isNegated
  })
  return { upper, isLate }
}

function asksFor<Subject>(leaf: Leaf<Subject>, fields: ReadonlySet<string>): boolean {
  const right = leaf.kind === 'test' && leaf.right.kind === 'operand' ? leaf.right.operand.uses : []
  return [...leaf.left.uses, ...right].some(({ field }) => fields.has(field.name))
}
