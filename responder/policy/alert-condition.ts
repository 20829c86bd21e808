/** A policy's `match.condition`: Falco's condition language over what an alert carries. */
import type { Alert } from '../../contract/alert.ts'
import type { Bound } from '../../contract/condition/bound.ts'
import { checkCondition } from '../../contract/condition/check.ts'
import { interpret } from '../../contract/condition/interpret.ts'
import { parseCondition } from '../../contract/condition/parser.ts'
import { alertFields, readAlertField } from './alert-fields.ts'
import { plainFields, remarkOn } from './field-table.ts'

export interface AlertCondition {
  readonly text: string
  readonly holds: (alert: Alert) => boolean
  /** The fields that it asks for and this alert does not carry: why it may not hold. */
  readonly missingIn: (alert: Alert) => readonly string[]
}

const table = plainFields<Alert>(
  new Map([...alertFields].map(([name, type]) => [name, { type, read: readAlertField }])),
)

export function parseAlertCondition(text: string): AlertCondition | { readonly problem: string } {
  const parsed = parseCondition(text)
  if ('problem' in parsed)
    return { problem: `${parsed.problem.message} (at character ${parsed.problem.at + 1})` }
  const { condition, problems } = checkCondition(parsed.node, table)
  if (condition === undefined) return { problem: problems.map(remarkOn).join('; ') }
  const fields = [...new Set(fieldsOf(condition))]
  return {
    text,
    holds: (alert) => interpret(condition, alert),
    missingIn: (alert) => fields.filter((field) => readAlertField(alert, field) === undefined),
  }
}

function fieldsOf(condition: Bound<Alert>): readonly string[] {
  switch (condition.kind) {
    case 'and':
    case 'or':
      return condition.children.flatMap(fieldsOf)
    case 'not':
      return fieldsOf(condition.child)
    case 'exists':
      return condition.left.uses.map(({ text }) => text)
    case 'test': {
      const right = condition.right.kind === 'operand' ? condition.right.operand.uses : []
      return [...condition.left.uses, ...right].map(({ text }) => text)
    }
  }
}
