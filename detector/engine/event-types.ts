/**
 * Which event names can a condition hold for? (falco-compat 2.6) `and` intersects, `or` unites, `not` is pushed down to
 * the leaves; a check on evt.type or syscall.type is a set of names, and what evt.num can never be is a set too
 * (it counts from 1); any other check holds for all. Never narrower than what evaluation would find.
 */
import type { CompareNode, Node } from '../../contract/condition/ast.ts'
import { eventCodes, GENERIC, isEventName, isGenericCall } from './event-names.ts'

/** Names that match, or (`isAllBut`) all names but these. */
export interface NameSet {
  readonly isAllBut: boolean
  readonly names: ReadonlySet<string>
}

export const everyName: NameSet = { isAllBut: true, names: new Set() }
const noName: NameSet = { isAllBut: false, names: new Set() }

export const hasName = (set: NameSet, name: string): boolean => set.names.has(name) !== set.isAllBut

export interface EventTypeProblem {
  readonly message: string
  readonly at: number
}

/** The names, and every mistake in how they are asked for. */
export function eventTypes(node: Node): {
  readonly names: NameSet
  readonly problems: readonly EventTypeProblem[]
} {
  const problems: EventTypeProblem[] = []
  return { names: visit(node, false, problems), problems }
}

/** Falco warns above 100 of its codes. */
export function countCodes(set: NameSet): number {
  let sum = 0
  for (const [name, codes] of eventCodes) if (hasName(set, name)) sum += codes
  const hasGeneric = !set.isAllBut && [...set.names].some(isGenericCall)
  return hasGeneric && !set.names.has(GENERIC) ? sum + (eventCodes.get(GENERIC) ?? 0) : sum
}

function visit(node: Node, isNegated: boolean, problems: EventTypeProblem[]): NameSet {
  switch (node.kind) {
    case 'and':
    case 'or': {
      const sets = node.children.map((child) => visit(child, isNegated, problems))
      return (node.kind === 'and') === isNegated
        ? sets.reduce(union, noName)
        : sets.reduce(intersection, everyName)
    }
    case 'not':
      return visit(node.child, !isNegated, problems)
    case 'exists':
      return isTypeField(node.left) && isNegated ? noName : everyName
    case 'macro':
      return everyName
    case 'compare':
      return visitCheck(node, isNegated, problems)
  }
}

function visitCheck(node: CompareNode, isNegated: boolean, problems: EventTypeProblem[]): NameSet {
  const known = isTypeField(node.left) ? namesOf(node, problems) : ofEventNumber(node)
  if (known === undefined) return everyName
  return (node.comparison === '!=') === isNegated ? known : complement(known)
}

const isTypeField = (left: CompareNode['left']) =>
  left.kind === 'field' && (left.name === 'evt.type' || left.name === 'syscall.type')

/** The names as written, before a `!=` or `not` turns them. */
function namesOf(node: CompareNode, problems: EventTypeProblem[]): NameSet | undefined {
  if (!['=', '!=', 'in'].includes(node.comparison) || node.modifier !== undefined) return undefined
  if (node.right.kind === 'operand') {
    const message =
      'right-hand field comparisons on `evt.type`/`syscall.type` checks are not supported by event code search'
    problems.push({ message, at: node.at })
    return undefined
  }
  const names = node.right.kind === 'list' ? node.right.texts : [node.right.text]
  for (const name of names)
    if (!isEventName(name)) problems.push({ message: `unknown event type ${name}`, at: node.at })
  return { isAllBut: false, names: new Set(names) }
}

/** evt.num counts from 1, so `evt.num = 0` never holds and `evt.num >= 1` always. Before a `!=` turns it. */
function ofEventNumber(node: CompareNode): NameSet | undefined {
  const isNumber =
    node.left.kind === 'field' && node.left.name === 'evt.num' && node.left.argument === undefined
  if (!isNumber || node.right.kind === 'operand' || node.modifier !== undefined) return undefined
  const { comparison, right } = node
  const values = (right.kind === 'list' ? right.texts : [right.text]).map(Number)
  if (comparison === 'in') return values.every((value) => value === 0) ? noName : undefined
  const [value = Number.NaN] = values
  if (value === 0 && ['=', '!=', '<=', '<'].includes(comparison)) return noName
  if (value === 1 && comparison === '<') return noName
  if (value === 0 && ['>', '>='].includes(comparison)) return everyName
  return value === 1 && comparison === '>=' ? everyName : undefined
}

const complement = (set: NameSet): NameSet => ({ isAllBut: !set.isAllBut, names: set.names })

function union(a: NameSet, b: NameSet): NameSet {
  if (!a.isAllBut && !b.isAllBut)
    return { isAllBut: false, names: new Set([...a.names, ...b.names]) }
  if (!a.isAllBut) return union(b, a)
  const kept = [...a.names].filter((name) => !hasName(b, name))
  return { isAllBut: true, names: new Set(kept) }
}

const intersection = (a: NameSet, b: NameSet): NameSet =>
  complement(union(complement(a), complement(b)))
