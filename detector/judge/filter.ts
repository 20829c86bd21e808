/** The clauses of all rules for one event: what the kernel keeps a record for. Roomy where that makes them fewer. */
import type { Node } from '../../contract/condition/ast.ts'
import { setKey, uniqueEntries, type Atom } from './atoms.ts'
import { absorb, deriveClauses, type Clause } from './clauses.ts'
import { literalKey, type Literal } from './formula.ts'

export interface FilterRule {
  readonly name: string
  readonly condition: Node
}

/** What one rule asks the kernel to keep of an event. */
export interface RuleNeeds {
  readonly rule: string
  readonly clauses: readonly Clause[]
  readonly unknowns: readonly string[]
}

/** Rules that can match the event at all. */
export function needsOf(rules: readonly FilterRule[], eventName: string): RuleNeeds[] {
  return rules
    .map(({ name, condition }) => {
      const { clauses, unknowns } = deriveClauses(condition, eventName, 'necessary')
      return { rule: name, clauses: absorb(clauses.map(loosen)), unknowns }
    })
    .filter(({ clauses }) => clauses.length > 0)
}

export const filterClauses = (needs: readonly RuleNeeds[]): Clause[] =>
  unite(absorb(needs.flatMap((one) => one.clauses)))

/**
 * Only the process itself is looked up when a record is dropped, not its ancestors. An exception (`not in …`) beside
 * a set that has to match is left to the rule: few events come so far, and clauses without it unite.
 */
function loosen(clause: Clause): Clause {
  const near = clause.filter(({ atom }) => !('level' in atom) || atom.level === 0)
  const hasMatch = near.some((one) => !one.isNegated && isSet(one.atom))
  return near.filter((one) => !isAlways(one) && !(hasMatch && one.isNegated && isSet(one.atom)))
}

const isSet = (atom: Atom) => atom.kind === 'paths' || atom.kind === 'programs'
const isAlways = ({ atom, isNegated }: Literal) =>
  atom.kind === 'trait' && atom.trait === 'exists' && !isNegated

/** Clauses that differ in one set on the same string become one clause with the union. */
function unite(clauses: readonly Clause[]): Clause[] {
  let united = clauses
  for (const kind of ['paths', 'programs'] as const) {
    const groups = Map.groupBy(united, (clause) => otherKey(clause, kind))
    united = [...groups.values()].map((group) => merge(group, kind))
  }
  return absorb(united)
}

/** The one literal of a clause that may grow, or undefined when there are several. */
function growing(clause: Clause, kind: 'paths' | 'programs'): Literal | undefined {
  const found = clause.filter((one) => one.atom.kind === kind && !one.isNegated)
  return found.length === 1 ? found[0] : undefined
}

function otherKey(clause: Clause, kind: 'paths' | 'programs'): string {
  const own = growing(clause, kind)
  const others = clause.filter((one) => one !== own).map(literalKey)
  return `${own === undefined ? '' : kind}\u0001${others.toSorted().join('\u0001')}`
}

function merge(group: readonly Clause[], kind: 'paths' | 'programs'): Clause {
  const [first = []] = group
  const own = growing(first, kind)
  if (own === undefined || !('entries' in own.atom)) return first
  const entries = group.flatMap((clause) => {
    const atom = growing(clause, kind)?.atom
    return atom !== undefined && 'entries' in atom ? atom.entries : []
  })
  const atom = { ...own.atom, entries: uniqueEntries(entries) }
  return first.map((one) => (one === own ? { ...one, atom } : one))
}

export const clauseKey = (clause: Clause): string =>
  clause.map(literalKey).toSorted().join('\u0001')

/** `isRead & succeeded & path in 12 names`, for explainFilter. */
export function printClause(clause: Clause): string {
  if (clause.length === 0) return 'always'
  return clause.map(printLiteral).toSorted().join(' & ')
}

function printLiteral({ atom, isNegated }: Literal): string {
  const not = isNegated ? 'not ' : ''
  if (atom.kind === 'flag') return `${not}${atom.flag}`
  if (atom.kind === 'trait') return `${not}${atom.trait}[${atom.level}]`
  const what = atom.kind === 'paths' ? 'path' : `program[${atom.level}]`
  const { length } = atom.entries
  return `${not}${what} in ${length > 3 ? `${length} texts` : setKey(atom.entries).replaceAll('\0', ', ')}`
}
