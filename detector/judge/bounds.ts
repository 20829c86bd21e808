/** What the kernel knows of a condition: it holds at most where `upper` does, and at least where `lower` does. */
import { and, formulaKey, not, or, type Formula } from './formula.ts'

export interface Bounds {
  readonly upper: Formula
  readonly lower: Formula
  /** The leaves that the kernel cannot decide, one sentence each. */
  readonly unknowns: readonly string[]
}

export const exact = (formula: Formula): Bounds => ({
  upper: formula,
  lower: formula,
  unknowns: [],
})

/** A leaf between two formulas; `leaf` is its text, for people. */
export function between(lower: Formula, upper: Formula, leaf: string): Bounds {
  if (formulaKey(lower) === formulaKey(upper)) return exact(upper)
  return { upper, lower, unknowns: [`${leaf} is not decided in the kernel`] }
}

export const unknown = (field: string): Bounds => ({
  upper: true,
  lower: false,
  unknowns: [`${field} is not known in the kernel`],
})

export const bothOf = (parts: readonly Bounds[]): Bounds => joined(and, parts)
export const eitherOf = (parts: readonly Bounds[]): Bounds => joined(or, parts)

export const opposite = (bounds: Bounds): Bounds => ({
  upper: not(bounds.lower),
  lower: not(bounds.upper),
  unknowns: bounds.unknowns,
})

function joined(operator: typeof and, parts: readonly Bounds[]): Bounds {
  const upper = operator(...parts.map((part) => part.upper))
  const lower = operator(...parts.map((part) => part.lower))
  const isExact = formulaKey(lower) === formulaKey(upper)
  return {
    upper,
    lower,
    unknowns: isExact ? [] : [...new Set(parts.flatMap((part) => part.unknowns))],
  }
}
