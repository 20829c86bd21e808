/** `-L` and `-l NAME` as JSON (falco-compat 1.6): each item as it was written (`info`) and as it was understood. */
import {
  type Node,
  type Operand,
  printNode,
  printOperand,
} from '../../../contract/condition/ast.ts'
import type { FieldTable } from '../../../contract/condition/values.ts'
import { eventCodes } from '../event-names.ts'
import { eventTypes, hasName } from '../event-types.ts'
import { compileOutput } from '../format.ts'
import type { LoadedRule } from './compile-rules.ts'
import type { Entry } from './items.ts'
import type { Loaded } from './load.ts'
import { ENGINE_VERSION } from './versions.ts'

/** All rules with the macros and lists, or with a `name` that rule alone. */
export function describeJson(loaded: Loaded, table: FieldTable<never>, name?: string): string {
  const rules = loaded.rules.filter((rule) => name === undefined || rule.name === name)
  const plugins = loaded.items.flatMap((item) =>
    item.kind === 'plugin' ? [item.alternatives] : [],
  )
  const versions = loaded.items.flatMap((item) => (item.kind === 'engine' ? [item.version] : []))
  const unused = new Set(
    loaded.problems
      .filter(({ code }) => code === 'LOAD_UNUSED_LIST' || code === 'LOAD_UNUSED_MACRO')
      .map(({ context }) => `${context.at(-1)?.type} ${context.at(-1)?.name}`),
  )
  const whole = {
    lists: loaded.lists.map(({ name: list, items }) => ({
      details: { items_compiled: items, used: !unused.has(`list ${list}`) },
      info: { items, name: list },
    })),
    macros: [...loaded.macros].map(([macro, node]) => ({
      details: {
        ...describeCondition(node),
        used: !unused.has(`macro ${macro}`),
      },
      info: { name: macro },
    })),
    required_engine_version: versions.at(-1) ?? ENGINE_VERSION,
    required_plugin_versions: plugins.map(([first, ...alternatives]) => ({ ...first, alternatives })),
    rules: rules.map((rule) => describeRule(rule, table)),
  } // prettier-ignore
  return JSON.stringify(name === undefined ? whole : { rules: whole.rules })
}

function describeRule(rule: LoadedRule, table: FieldTable<never>) {
  const { exceptions, condition, output } = rule.item
  const template = compileOutput(output.text, { table, buffers: 'dots' })
  const flat = (entry: Entry | undefined): readonly string[] =>
    entry === undefined ? [] : typeof entry === 'string' ? [entry] : entry.flatMap(flat)
  return {
    details: {
      ...describeCondition(rule.condition),
      exception_fields: unique(exceptions.flatMap(({ fields }) => flat(fields))),
      exception_names: exceptions.map((exception) => exception.name),
      exception_operators: unique(exceptions.flatMap(({ comps }) => flat(comps))),
      lists: rule.usedLists,
      macros: rule.usedMacros,
      output_compiled: rule.output,
      output_fields: 'keys' in template && 'message' in template ? template.keys : [],
    },
    info: {
      condition: condition.text,
      description: rule.desc,
      enabled: rule.isEnabled,
      name: rule.name,
      output: output.text,
      priority: rule.priority,
      source: rule.source,
      tags: rule.tags.toSorted(),
    },
  }
}

function describeCondition(node: Node) {
  const fields = new Set<string>()
  const operators = new Set<string>()
  collect(node, fields, operators)
  const { names } = eventTypes(node)
  return {
    condition_compiled: printNode(node),
    condition_fields: unique(fields),
    condition_operators: unique(operators),
    events: [...eventCodes.keys()].filter((event) => hasName(names, event)),
  }
}

const unique = (texts: Iterable<string>): readonly string[] => [...new Set(texts)].toSorted()

function collect(node: Node, fields: Set<string>, operators: Set<string>): void {
  switch (node.kind) {
    case 'and':
    case 'or':
      for (const child of node.children) collect(child, fields, operators)
      break
    case 'not':
      collect(node.child, fields, operators)
      break
    case 'macro':
      break
    case 'exists':
      operators.add('exists')
      collectFields(node.left, fields)
      break
    case 'compare':
      operators.add([node.comparison, node.modifier].filter(Boolean).join(' '))
      collectFields(node.left, fields)
      if (node.right.kind === 'operand') collectFields(node.right.operand, fields)
  }
}

/** Of a transformer the fields inside. */
function collectFields(operand: Operand, fields: Set<string>): void {
  if (operand.kind === 'field') fields.add(printOperand(operand))
  else
    for (const input of operand.inputs)
      if (input.kind === 'field' || input.kind === 'transform') collectFields(input, fields)
}
