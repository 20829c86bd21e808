/** A policy's strike orders and the rules in force → what the kernel may decide by itself, and why not the rest. */
import type { Node } from '../../contract/condition/ast.ts'
import { parseCondition } from '../../contract/condition/parser.ts'
import { whyNotSelected } from '../../contract/select.ts'
import type { StrikeOrder } from '../../contract/verdict.ts'
import type { RunningRule } from '../engine/ruleset.ts'
import type { Event } from '../events/event.ts'
import { deriveClauses } from './clauses.ts'
import type { StrikeClauses } from './tables.ts'

/** One policy and one rule that it selects. */
export interface Strike {
  readonly order: StrikeOrder
  readonly rule: RunningRule<Event>
  readonly clauses: readonly Omit<StrikeClauses, 'strike'>[]
}

export interface Unavailable {
  readonly policy: string
  readonly rule: string
  readonly reason: string
}

export const strikeKey = ({ order, rule }: Strike): string =>
  `${order.policy}\0${order.policyGeneration}\0${rule.name}`

/** Reasons that are shown of many. */
const SHOWN_REASONS = 3

export function compileStrikes(
  orders: readonly StrikeOrder[],
  rules: readonly RunningRule<Event>[],
  eventNames: readonly string[],
): { readonly strikes: readonly Strike[]; readonly unavailable: readonly Unavailable[] } {
  const strikes: Strike[] = []
  const unavailable: Unavailable[] = []
  for (const order of orders)
    for (const rule of rules.filter((one) => isSelected(order, one))) {
      const compiled = compileStrike(order, rule, eventNames)
      if ('reason' in compiled)
        unavailable.push({ policy: order.policy, rule: rule.name, reason: compiled.reason })
      else strikes.push(compiled)
    }
  return { strikes, unavailable }
}

function isSelected(order: StrikeOrder, rule: RunningRule<Event>): boolean {
  if (whyNotSelected(order.match, rule) !== null) return false
  return !order.isFromRule || rule.actions.some(({ name }) => name === 'kill_process')
}

function compileStrike(
  order: StrikeOrder,
  rule: RunningRule<Event>,
  eventNames: readonly string[],
): Strike | { readonly reason: string } {
  const condition = withPolicy(rule.condition, order.match.condition)
  if ('problem' in condition)
    return { reason: `the policy's condition: ${condition.problem.message}` }
  const derived = eventNames.map((eventName) => ({
    eventName,
    ...deriveClauses(condition.node, eventName, 'sufficient'),
  }))
  const clauses = derived.filter((one) => one.clauses.length > 0)
  if (clauses.length > 0) return { order, rule, clauses }
  const unknowns = [...new Set(derived.flatMap((one) => one.unknowns))]
  const more = unknowns.length - SHOWN_REASONS
  const shown = unknowns.slice(0, SHOWN_REASONS).join('; ')
  return { reason: more > 0 ? `${shown}; and ${more} more` : shown || 'no event can match' }
}

function withPolicy(rule: Node, text: string | null): ReturnType<typeof parseCondition> {
  if (text === null) return { node: rule }
  const parsed = parseCondition(text)
  if ('problem' in parsed) return parsed
  return { node: { kind: 'and', children: [rule, parsed.node], at: 0 } }
}
