/** What was collected → rules ready for the engine; every rule's mistakes are reported, not only the first. */
import type { Node } from '../../../contract/condition/ast.ts'
import type { Priority, RequestedAction } from '../../../contract/alert.ts'
import type { FieldTable } from '../../../contract/condition/values.ts'
import { countCodes, type NameSet } from '../event-types.ts'
import { compileOutput } from '../format.ts'
import type { Collected, Placed } from './collect.ts'
import { expandCondition, type IsField, judgeCondition, resolveCondition } from './conditions.ts'
import { withExceptions } from './exceptions.ts'
import { deprecatedFields } from './hints.ts'
import type { RuleItem } from './items.ts'
import { expandLists, type ExpandedList } from './lists.ts'
import type { Report } from './places.ts'
import { onBehalfOf, spotIn } from './reporter.ts'
import { checkActions } from './read-actions.ts'

/** A rule as the engine and the alerts take it. */
export interface LoadedRule {
  readonly name: string
  readonly source: string
  readonly desc: string
  readonly priority: Priority
  readonly tags: readonly string[]
  readonly output: string
  readonly actions: readonly RequestedAction[]
  /** As the rule file says; the ruleset can be told otherwise. */
  readonly isEnabled: boolean
  readonly capture: boolean
  readonly captureDurationMs: number
  /** With lists, macros and exceptions put in. */
  readonly condition: Node
  /** The events that the condition can hold for. */
  readonly names: NameSet
  /** How it was written, for `-L`. */
  readonly item: Placed<RuleItem>
  readonly usedMacros: readonly string[]
  readonly usedLists: readonly string[]
}

export interface CompileOptions {
  readonly sources: ReadonlyMap<
    string,
    { readonly table: FieldTable<never>; readonly isField: IsField }
  >
  /** Names that `actions:` may use; undefined: any. */
  readonly actions: readonly string[] | undefined
  readonly report: Report
}

export interface Compiled {
  readonly rules: readonly LoadedRule[]
  readonly lists: readonly ExpandedList[]
  /** Without those that could not be resolved. */
  readonly macros: ReadonlyMap<string, Node>
}

/** Falco's limit of event codes before it warns. */
const MAX_CODES = 100

export function compileRules(collected: Collected, options: CompileOptions): Compiled {
  const { report } = options
  const usedLists = new Set<string>()
  const usedMacros = new Set<string>()
  const lists = expandLists(collected.lists, usedLists)
  const macros = compileMacros(collected, lists, usedLists, usedMacros, report)
  const rules = inOrder(collected.rules).flatMap((rule) => {
    const own = { lists: new Set<string>(), macros: new Set<string>() }
    const loaded = compileRule(rule, collected, lists, macros, own, options)
    for (const name of own.lists) usedLists.add(name)
    for (const name of own.macros) usedMacros.add(name)
    return loaded ?? []
  })
  for (const macro of inOrder(collected.macros))
    if (!usedMacros.has(macro.name))
      report('LOAD_UNUSED_MACRO', 'Macro not referred to by any other rule/macro', macro.context)
  for (const list of inOrder(collected.lists))
    if (!usedLists.has(list.name))
      report('LOAD_UNUSED_LIST', 'List not referred to by any other rule/macro', list.context)
  const resolved = [...macros].filter((entry): entry is [string, Node] => entry[1] !== undefined)
  return { rules, lists, macros: new Map(resolved) }
}

const inOrder = <T extends { readonly index: number }>(items: ReadonlyMap<string, T>): T[] =>
  [...items.values()].toSorted((a, b) => a.index - b.index)

/** In order; a macro sees those whose index is below its own visibility. */
function compileMacros(
  collected: Collected,
  lists: readonly ExpandedList[],
  usedLists: Set<string>,
  usedMacros: Set<string>,
  report: Report,
): Map<string, Node | undefined> {
  const ordered = inOrder(collected.macros)
  const parsed = new Map(
    ordered.map((macro) => {
      const own = onBehalfOf(report, macro.lastFile)
      const { condition } = macro
      return [macro.name, expandCondition(condition.text, condition, lists, usedLists, own)]
    }),
  )
  const trees = new Map<string, Node | undefined>(
    ordered.map(({ name }) => [name, parsed.get(name)?.node]),
  )
  for (const macro of ordered) {
    const expanded = parsed.get(macro.name)
    if (expanded === undefined) continue
    const visible = ordered.filter(({ index }) => index < macro.visibility)
    const table = new Map(visible.map(({ name }) => [name, trees.get(name)]))
    const own = onBehalfOf(report, macro.lastFile)
    trees.set(
      macro.name,
      resolveCondition(expanded, macro.condition, macro.context, table, usedMacros, own),
    )
  }
  return trees
}

function compileRule(
  rule: Placed<RuleItem>,
  collected: Collected,
  lists: readonly ExpandedList[],
  macros: ReadonlyMap<string, Node | undefined>,
  used: { readonly lists: Set<string>; readonly macros: Set<string> },
  options: CompileOptions,
): LoadedRule | undefined {
  const report = onBehalfOf(options.report, rule.lastFile)
  const source = options.sources.get(rule.source)
  if (source === undefined) return undefined
  const { table, isField } = source
  if (options.actions !== undefined) checkActions(rule.actions, options.actions, report)
  const isPrintable = checkOutput(rule, table, report)
  const text = withExceptions(rule.condition.text, rule.exceptions, report)
  const expanded = expandCondition(text, rule.condition, lists, used.lists, report)
  const condition =
    expanded &&
    resolveCondition(expanded, rule.condition, rule.context, macros, used.macros, report)
  if (expanded === undefined || condition === undefined) return undefined
  const judged = judgeCondition(
    condition,
    expanded.text,
    rule.condition,
    {
      table,
      isField,
      source: rule.source,
      skipIfUnknown: rule.skipIfUnknownFilter,
      macros: [...used.macros].flatMap((name) => collected.macros.get(name)?.condition ?? []),
    },
    report,
  )
  if (judged === undefined || !isPrintable) return undefined
  if (rule.source === 'syscall' && rule.warnEventTypes && isBroad(judged.names))
    report(
      'LOAD_NO_EVTTYPE',
      'Rule matches too many evt.type values. This has a significant performance penalty.',
      rule.context,
    )
  const { name, desc, priority, tags, output, actions, capture, captureDurationMs } = rule
  return {
    name, source: rule.source, desc, priority, tags, capture, captureDurationMs, condition, ...judged, item: rule,
    output: output.text,
    actions: actions.map((action) => ({ name: action.name, parameters: action.parameters })),
    isEnabled: rule.enabled,
    usedMacros: [...used.macros],
    usedLists: [...used.lists],
  } // prettier-ignore
}

function isBroad(names: NameSet): boolean {
  const codes = countCodes(names)
  return codes === 0 || codes > MAX_CODES
}

function checkOutput(rule: Placed<RuleItem>, table: FieldTable<never>, report: Report): boolean {
  const { text, context } = rule.output
  if (text.includes('%container.info'))
    report(
      'LOAD_DEPRECATED_ITEM',
      '%container.info is deprecated and prints nothing: the container fields that it stood for are appended to every output',
      rule.context,
    )
  for (const name of deprecatedFields)
    if (text.includes(name))
      report(
        'LOAD_DEPRECATED_ITEM',
        `usage of deprecated field '${name}' has been detected in the rule output`,
        context,
      )
  const template = text.replaceAll('%container.info', '')
  const compiled = compileOutput(template, { table, buffers: 'dots' })
  if ('message' in compiled) return true
  for (const { problem, offset, length } of compiled) {
    const at = Math.max(0, text.indexOf(template.slice(offset)))
    report(
      rule.skipIfUnknownFilter ? 'LOAD_UNKNOWN_FILTER' : 'LOAD_ERR_COMPILE_OUTPUT',
      `invalid formatting token ${template.slice(offset)}`,
      context,
      { spot: spotIn(rule.output, at, length), hint: problem },
    )
  }
  return false
}
