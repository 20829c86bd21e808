/**
 * Items of all files, in order → the lists, macros and rules that are in force (falco-compat 1.2, 1.3). A redefinition
 * keeps the place (`index`) of the first definition and sees what stands before itself (`visibility`).
 */
import { unknownName } from '../../../contract/problem.ts'
import { checkExceptions, mergeExceptions } from './exceptions.ts'
import type {
  Item,
  ListItem,
  MacroItem,
  RuleItem,
  RuleParts,
  RuleSwitch,
  RuleUpdate,
  Written,
} from './items.ts'
import type { Context, Report } from './places.ts'

/** What was read, with its place in the order and the file that touched it last (to which problems belong). */
export type Placed<T> = T & {
  readonly index: number
  readonly visibility: number
  readonly lastFile: string
}

export interface Collected {
  readonly lists: Map<string, Placed<ListItem>>
  readonly macros: Map<string, Placed<MacroItem>>
  readonly rules: Map<string, Placed<RuleItem>>
}

export interface CollectOptions {
  /** Whether a source has a field of that name; undefined for a source that there is not. */
  readonly isFieldOf: (source: string) => ((name: string) => boolean) | undefined
  readonly report: Report
}

export function collect(items: readonly Item[], options: CollectOptions): Collected {
  const collected: Collected = { lists: new Map(), macros: new Map(), rules: new Map() }
  const broken = { list: new Set<string>(), macro: new Set<string>(), rule: new Set<string>() }
  items.forEach((item, order) => {
    switch (item.kind) {
      case 'broken':
        broken[item.what].add(item.name)
        break
      case 'list':
        takeList(collected.lists, item, order, broken.list, options.report)
        break
      case 'macro':
        takeMacro(collected.macros, item, order, broken.macro, options.report)
        break
      case 'rule':
        takeRule(collected.rules, item, order, options)
        break
      case 'switch':
      case 'append':
      case 'replace':
        changeRule(collected.rules, item, order, broken.rule, options)
        break
      case 'engine':
      case 'plugin':
        break
    }
  })
  return collected
}

const fileOf = (context: Context) => context[0].label

function define<T extends { readonly name: string; readonly context: Context }>(
  into: Map<string, Placed<T>>,
  item: T,
  order: number,
): void {
  const index = into.get(item.name)?.index ?? order
  into.set(item.name, { ...item, index, visibility: order, lastFile: fileOf(item.context) })
}

function takeList(
  lists: Map<string, Placed<ListItem>>,
  item: ListItem,
  order: number,
  broken: ReadonlySet<string>,
  report: Report,
): void {
  if (!item.isAppended) return define(lists, item, order)
  const previous = lists.get(item.name)
  if (previous !== undefined) {
    const items = [...previous.items, ...item.items]
    lists.set(item.name, { ...previous, items, visibility: order, lastFile: fileOf(item.context) })
  } else if (!broken.has(item.name))
    report(
      'LOAD_ERR_VALIDATE',
      "List uses 'append' or 'override.items: append' but no list by that name already exists",
      item.context,
    )
}

function takeMacro(
  macros: Map<string, Placed<MacroItem>>,
  item: MacroItem,
  order: number,
  broken: ReadonlySet<string>,
  report: Report,
): void {
  if (!item.isAppended) return define(macros, item, order)
  const previous = macros.get(item.name)
  if (previous !== undefined) {
    const condition = joined(previous.condition, item.condition)
    macros.set(item.name, {
      ...previous,
      condition,
      visibility: order,
      lastFile: fileOf(item.context),
    })
  } else if (!broken.has(item.name))
    report(
      'LOAD_ERR_VALIDATE',
      "Macro uses 'append' or 'override.condition: append' but no macro by that name already exists",
      item.context,
    )
}

function takeRule(
  rules: Map<string, Placed<RuleItem>>,
  item: RuleItem,
  order: number,
  { isFieldOf, report }: CollectOptions,
): void {
  const previous = rules.get(item.name)
  if (previous !== undefined && previous.source !== item.source) {
    const message = 'Rule has been re-defined with a different source'
    report('LOAD_ERR_VALIDATE', message, item.context)
    return
  }
  const isField = isFieldOf(item.source)
  if (isField === undefined)
    report('LOAD_UNKNOWN_SOURCE', `Unknown source ${item.source}, skipping`, item.context)
  const checked = checkExceptions(item.exceptions, isField, report)
  define(rules, { ...item, exceptions: checked }, order)
}

const noPrevious = {
  append: "Rule uses 'append' or 'override.<key>: append' but no rule by that name already exists",
  replace:
    "An 'override.<key>: replace' to a rule was requested but no rule by that name already exists",
  switch: "Rule has 'enabled' key but no rule by that name already exists",
}

function changeRule(
  rules: Map<string, Placed<RuleItem>>,
  item: RuleUpdate | RuleSwitch,
  order: number,
  broken: ReadonlySet<string>,
  options: CollectOptions,
): void {
  const { report } = options
  const previous = rules.get(item.name)
  if (previous === undefined) {
    if (!broken.has(item.name))
      report(
        'LOAD_ERR_VALIDATE',
        withNearest(noPrevious[item.kind], item.name, rules),
        item.context,
      )
    return
  }
  const lastFile = fileOf(item.context)
  if (item.kind === 'switch') {
    rules.set(item.name, { ...previous, enabled: item.enabled, lastFile })
    return
  }
  if (Object.keys(item.changes).length === 0) {
    const message =
      item.kind === 'append'
        ? 'Appended rule must have exceptions or condition property'
        : 'The rule must have at least one field that can be replaced'
    report('LOAD_ERR_VALIDATE', message, item.context)
    return
  }
  const isField = options.isFieldOf(previous.source)
  const changed =
    item.kind === 'append'
      ? appended(previous, item.changes, isField, report)
      : replaced(previous, item.changes, isField, report)
  rules.set(item.name, { ...changed, visibility: order, lastFile })
}

/** Falco's sentence as it is; the remedy after it where a similar name exists. */
function withNearest(message: string, name: string, known: ReadonlyMap<string, unknown>): string {
  const hint = unknownName('rule', name, known.keys())
  return hint.includes('did you mean') ? `${message} (${hint})` : message
}

function replaced(
  rule: Placed<RuleItem>,
  changes: Partial<RuleParts>,
  isField: ReturnType<CollectOptions['isFieldOf']>,
  report: Report,
): Placed<RuleItem> {
  const exceptions = changes.exceptions && checkExceptions(changes.exceptions, isField, report)
  return { ...rule, ...changes, ...(exceptions && { exceptions }) }
}

function appended(
  rule: Placed<RuleItem>,
  changes: Partial<RuleParts>,
  isField: ReturnType<CollectOptions['isFieldOf']>,
  report: Report,
): Placed<RuleItem> {
  const { condition, output, desc, tags = [], exceptions = [], actions = [] } = changes
  return {
    ...rule,
    condition: condition ? joined(rule.condition, condition) : rule.condition,
    output: output ? joined(rule.output, output) : rule.output,
    desc: desc === undefined ? rule.desc : `${rule.desc} ${desc}`,
    tags: [...new Set([...rule.tags, ...tags])],
    exceptions: mergeExceptions(rule.exceptions, exceptions, isField, report),
    actions: [...rule.actions, ...actions],
  }
}

function joined(first: Written, second: Written): Written {
  const offset = first.text.length + 1
  return {
    text: `${first.text} ${second.text}`,
    parts: [
      ...first.parts,
      ...second.parts.map(({ start, node }) => ({ start: start + offset, node })),
    ],
    context: first.context,
  }
}
