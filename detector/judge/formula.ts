/** Formulas over atoms. The constructors keep them small: constants folded, repeats dropped, sets on one string merged. */
import { atomKey, uniqueEntries, type Atom } from './atoms.ts'

export interface Literal {
  readonly kind: 'literal'
  readonly atom: Atom
  readonly isNegated: boolean
}

export type Formula =
  | boolean
  | Literal
  | { readonly kind: 'and' | 'or'; readonly parts: readonly Exclude<Formula, boolean>[] }

export const literal = (atom: Atom): Formula =>
  isEmptySet(atom) ? false : { kind: 'literal', atom, isNegated: false }

const isEmptySet = (atom: Atom) => 'entries' in atom && atom.entries.length === 0

export const and = (...parts: readonly Formula[]): Formula => join('and', parts)
export const or = (...parts: readonly Formula[]): Formula => join('or', parts)

export function not(formula: Formula): Formula {
  if (typeof formula === 'boolean') return !formula
  if (formula.kind === 'literal') return { ...formula, isNegated: !formula.isNegated }
  return join(formula.kind === 'and' ? 'or' : 'and', formula.parts.map(not))
}

export const literalKey = (one: Literal): string =>
  `${one.isNegated ? '!' : ''}${atomKey(one.atom)}`

function join(kind: 'and' | 'or', parts: readonly Formula[]): Formula {
  const decides = kind === 'or'
  const kept = new Map<string, Exclude<Formula, boolean>>()
  const literals: Literal[] = []
  for (const part of parts.flatMap((one) => flatten(kind, one))) {
    if (part === decides) return decides
    if (typeof part === 'boolean') continue
    if (part.kind === 'literal') literals.push(part)
    else kept.set(formulaKey(part), part)
  }
  const merged = mergeLiterals(kind, literals)
  if (merged === undefined) return decides
  const all = [...merged, ...kept.values()]
  const [only] = all
  if (only === undefined) return !decides
  return all.length === 1 ? only : { kind, parts: all }
}

const flatten = (kind: 'and' | 'or', formula: Formula): readonly Formula[] =>
  typeof formula !== 'boolean' && formula.kind === kind ? formula.parts : [formula]

export function formulaKey(formula: Formula): string {
  if (typeof formula === 'boolean') return String(formula)
  const known = keys.get(formula)
  if (known !== undefined) return known
  const key =
    formula.kind === 'literal'
      ? literalKey(formula)
      : `${formula.kind}(${formula.parts.map(formulaKey).toSorted().join('\u0001')})`
  keys.set(formula, key)
  return key
}

/** Trees share their parts, and a condition is compared at each of its levels. */
const keys = new WeakMap<Exclude<Formula, boolean>, string>()

/**
 * `a or b` over the same string is one set, and so is `not a and not b`. Undefined when one literal is the opposite
 * of another: the whole is then decided.
 */
export function mergeLiterals(
  kind: 'and' | 'or',
  literals: readonly Literal[],
): Literal[] | undefined {
  const merged = new Map<string, Literal>()
  for (const one of literals) {
    const group = one.isNegated === (kind === 'and') ? mergeGroup(one.atom) : undefined
    const key = group === undefined ? literalKey(one) : `merge ${group}`
    const before = merged.get(key)
    merged.set(key, before === undefined ? one : union(before, one))
  }
  const all = [...merged.values()]
  const present = new Set(all.map(literalKey))
  const isDecided = all.some((one) =>
    present.has(literalKey({ ...one, isNegated: !one.isNegated })),
  )
  return isDecided ? undefined : all
}

/** The string that a set is about; sets on the same one can be united. */
function mergeGroup(atom: Atom): string | undefined {
  if (atom.kind === 'paths') return 'paths'
  return atom.kind === 'programs' ? `programs ${atom.level}` : undefined
}

function union(left: Literal, right: Literal): Literal {
  if (!('entries' in left.atom) || !('entries' in right.atom)) return left
  const entries = uniqueEntries([...left.atom.entries, ...right.atom.entries])
  return { ...left, atom: { ...left.atom, entries } }
}
