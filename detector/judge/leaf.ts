/** A check in the terms that the derivation needs: which field, how it is compared, with which constants. */
import { printNode, type CompareNode, type Comparison } from '../../contract/condition/ast.ts'
import { between, eitherOf, opposite, unknown, type Bounds } from './bounds.ts'
import type { Formula } from './formula.ts'

export interface Leaf {
  readonly field: string
  readonly argument: string | undefined
  readonly comparison: Comparison
  readonly constants: readonly string[]
  /** `fd.name startswith /etc`, for people. */
  readonly text: string
}

/** A formula that holds at least (`lower`) and at most (`upper`) where the value compares with one constant. */
export interface Range {
  readonly lower: Formula
  readonly upper: Formula
}
export const precisely = (formula: Formula): Range => ({ lower: formula, upper: formula })
export const atMost = (upper: Formula): Range => ({ lower: false, upper })

/** How a field compares with one constant; operators that are not named are not known. */
export type Tests = Partial<Record<Comparison, (constant: string) => Range>>

/** `!=`, `in` and the modifiers come down to the tests of single constants. */
export function boundsOf(leaf: Leaf, tests: Tests): Bounds {
  const { comparison, constants, text } = leaf
  const name =
    comparison === '!=' || comparison === 'in' || comparison === 'intersects' ? '=' : comparison
  const test = tests[name]
  if (test === undefined) return unknown(`${leaf.field} ${comparison}`)
  const each = constants.map((constant) => {
    const { lower, upper } = test(constant)
    return between(lower, upper, text)
  })
  const some = eitherOf(each)
  return comparison === '!=' ? opposite(some) : some
}

/** Undefined where the check is more than one field against constants. */
export function leafOf(node: CompareNode): Leaf | undefined {
  const { left, right, comparison, modifier } = node
  if (left.kind !== 'field' || right.kind === 'operand' || modifier !== undefined) return undefined
  return {
    field: left.name,
    argument: left.argument,
    comparison,
    constants: right.kind === 'value' ? [right.text] : right.texts,
    text: printNode(node),
  }
}
