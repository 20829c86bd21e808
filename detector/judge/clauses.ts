/**
 * A condition and an event's name → clauses over atoms. `necessary`: an event that makes none of them true cannot
 * match. `sufficient`: an event that makes one of them true does match. What the kernel does not know is taken as
 * true for the first and as false for the second (docs/decisions/20261121-one-truth-vector.md).
 */
import type { Node } from '../../contract/condition/ast.ts'
import { bothOf, eitherOf, exact, opposite, unknown, type Bounds } from './bounds.ts'
import { literalKey, mergeLiterals, type Formula, type Literal } from './formula.ts'
import { callBounds, openEvents } from './leaf-calls.ts'
import { pathBounds } from './leaf-paths.ts'
import { programBounds, programExists } from './leaf-programs.ts'
import { leafOf, type Leaf } from './leaf.ts'

/** All of its literals hold; without any it always does. */
export type Clause = readonly Literal[]
export type Direction = 'necessary' | 'sufficient'

export interface Derived {
  /** One of them holds. */
  readonly clauses: readonly Clause[]
  /** What the kernel cannot decide, one sentence a leaf: why there are no, or only rough, clauses. */
  readonly unknowns: readonly string[]
}

/** A condition that becomes more clauses than this is relaxed (necessary) or refused (sufficient). */
const MAX_CLAUSES = 96

export function deriveClauses(condition: Node, eventName: string, direction: Direction): Derived {
  const { upper, lower, unknowns } = boundsOf(condition, eventName)
  const isNecessary = direction === 'necessary'
  const clauses = toClauses(isNecessary ? upper : lower, isNecessary)
  if (clauses !== undefined)
    return { clauses: isNecessary ? clauses : clauses.filter(isOfKernel), unknowns }
  return { clauses: [], unknowns: [`the condition has more than ${MAX_CLAUSES} alternatives`] }
}

/** Nobody is struck for a text that the caller can change meanwhile. */
const isOfKernel = (clause: Clause) =>
  clause.every(({ atom }) => atom.kind !== 'flag' || atom.flag !== 'hasDotDot')

function boundsOf(node: Node, eventName: string): Bounds {
  switch (node.kind) {
    case 'and':
    case 'or':
      return chain(node.kind, node.children, eventName)
    case 'not':
      return opposite(boundsOf(node.child, eventName))
    case 'macro':
      return unknown(node.name)
    case 'exists':
      return (
        (node.left.kind === 'field'
          ? programExists(node.left.name, node.left.argument)
          : undefined) ?? unknown('exists')
      )
    case 'compare': {
      const leaf = leafOf(node)
      if (leaf === undefined) return unknown('a comparison of fields')
      const bounds =
        callBounds(leaf, eventName) ?? nameBounds(leaf, eventName) ?? programBounds(leaf)
      return bounds ?? unknown(leaf.field)
    }
  }
}

/** Only an open's names are looked at. */
const nameBounds = (leaf: Leaf, eventName: string) =>
  openEvents.includes(eventName) ? pathBounds(leaf, eventName) : undefined

/** Ends at the first child that decides: most rules begin with the event's type. */
function chain(kind: 'and' | 'or', children: readonly Node[], eventName: string): Bounds {
  const parts: Bounds[] = []
  for (const child of children) {
    const bounds = boundsOf(child, eventName)
    const decides = kind === 'or'
    if (bounds.upper === decides && bounds.lower === decides) return exact(decides)
    parts.push(bounds)
  }
  return kind === 'and' ? bothOf(parts) : eitherOf(parts)
}

function toClauses(formula: Formula, canRelax: boolean): Clause[] | undefined {
  if (typeof formula === 'boolean') return formula ? [[]] : []
  if (formula.kind === 'literal') return [[formula]]
  const parts = formula.parts.map((part) => toClauses(part, canRelax))
  const known = parts.filter((part) => part !== undefined)
  if (known.length < parts.length) return undefined
  if (formula.kind === 'or') return limited(absorb(known.flat()), canRelax)
  return product(canRelax ? known.filter((factor) => !isException(factor)) : known, canRelax)
}

/**
 * `not (name = a and path = b)` among other conditions. Nearly every event satisfies it, and a rule can have a
 * hundred: for a necessary condition they only cost.
 */
const isException = (factor: readonly Clause[]) =>
  factor.length > 1 && factor.some((clause) => clause.every(isNegatedSet))

const isNegatedSet = ({ atom, isNegated }: Literal) => isNegated && 'entries' in atom

/** Where the product grows too large, leaving a factor out keeps it necessary. */
function product(factors: readonly (readonly Clause[])[], canRelax: boolean): Clause[] | undefined {
  let clauses: Clause[] = [[]]
  for (const factor of factors.toSorted((a, b) => a.length - b.length)) {
    const next = absorb(clauses.flatMap((left) => factor.map((right) => joined(left, right))))
    if (next.length <= MAX_CLAUSES) clauses = next
    else if (!canRelax) return undefined
  }
  return clauses
}

const limited = (clauses: Clause[], canRelax: boolean): Clause[] | undefined => {
  if (clauses.length <= MAX_CLAUSES) return clauses
  return canRelax ? [[]] : undefined
}

/** Undefined where the two contradict each other. */
const joined = (left: Clause, right: Clause): Clause | undefined =>
  mergeLiterals('and', [...left, ...right])

/** Without contradictions, without repeats, without those that say more than another. */
export function absorb(clauses: readonly (Clause | undefined)[]): Clause[] {
  const sized = clauses
    .filter((clause) => clause !== undefined)
    .map((clause) => ({ clause, keys: new Set(clause.map(literalKey)) }))
    .toSorted((a, b) => a.keys.size - b.keys.size)
  const kept: typeof sized = []
  for (const candidate of sized)
    if (!kept.some(({ keys }) => isSubset(keys, candidate.keys))) kept.push(candidate)
  return kept.map(({ clause }) => clause)
}

const isSubset = (few: ReadonlySet<string>, many: ReadonlySet<string>) =>
  few.size <= many.size && [...few].every((key) => many.has(key))
