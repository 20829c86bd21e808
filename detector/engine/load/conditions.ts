/** A condition's text → its tree with lists and macros put in, and what it means for a table of fields. */
import type { Node } from '../../../contract/condition/ast.ts'
import { checkCondition } from '../../../contract/condition/check.ts'
import { parseCondition } from '../../../contract/condition/parser.ts'
import type { FieldTable } from '../../../contract/condition/values.ts'
import { eventTypes, everyName, type NameSet } from '../event-types.ts'
import { conditionHints, constantHints } from './hints.ts'
import type { Written } from './items.ts'
import { type ExpandedList, substituteLists } from './lists.ts'
import { type MacroTable, resolveMacros } from './macros.ts'
import type { Context, Report } from './places.ts'
import { inCondition, placeOf } from './reporter.ts'

export interface Expanded {
  readonly text: string
  readonly node: Node
}

/** Lists put in, then parsed; a grammar error is reported. */
export function expandCondition(
  text: string,
  written: Written,
  lists: readonly ExpandedList[],
  usedLists: Set<string>,
  report: Report,
): Expanded | undefined {
  const expanded = substituteLists(text, lists, usedLists)
  const parsed = parseCondition(expanded)
  if ('node' in parsed) return { text: expanded, node: parsed.node }
  const { message, at } = parsed.problem
  report('LOAD_ERR_COMPILE_CONDITION', message, inCondition(written.context, expanded, at), {
    ...placeOf(written, expanded, at, '', []),
    hint: expanded === text ? undefined : afterLists(expanded, at),
  })
  return undefined
}

/** The mistake may be in a list's item: `(systemd)` needs quotes inside its own. */
function afterLists(expanded: string, at: number): string {
  const before = expanded.slice(Math.max(0, at - 30), at).replaceAll(/\s+/g, ' ')
  const after = expanded.slice(at, at + 20).replaceAll(/\s+/g, ' ')
  return `after the lists are put in, here: …${before} HERE ${after}…`
}

/** Macros put in. Falco blames an unknown one on the whole item, so `owner` is the macro's or rule's context. */
export function resolveCondition(
  expanded: Expanded,
  written: Written,
  owner: Context,
  macros: MacroTable,
  usedMacros: Set<string>,
  report: Report,
): Node | undefined {
  const { node, used, problems } = resolveMacros(expanded.node, macros)
  for (const name of used) usedMacros.add(name)
  for (const { message, name, at } of problems)
    report(
      'LOAD_ERR_VALIDATE',
      message,
      inCondition(owner, expanded.text, at),
      placeOf(written, expanded.text, at, name, []),
    )
  const isWhole = problems.length === 0 && !containsMacro(node)
  return isWhole ? node : undefined
}

/** Of a broken macro: its own mistake was reported. */
const containsMacro = (node: Node): boolean => {
  switch (node.kind) {
    case 'and':
    case 'or':
      return node.children.some(containsMacro)
    case 'not':
      return containsMacro(node.child)
    case 'macro':
      return true
    case 'exists':
    case 'compare':
      return false
  }
}

export interface Judged {
  readonly names: NameSet
}

export interface JudgeOptions {
  readonly table: FieldTable<never>
  readonly isField: IsField
  readonly source: string
  /** Unknown fields and event types are warnings then, and the rule is left out. */
  readonly skipIfUnknown: boolean
  /** Where macros of the rule were written: a mistake may stand there. */
  readonly macros: readonly Written[]
}

/** Fields, types, constants and event names of a whole condition. */
export function judgeCondition(
  node: Node,
  text: string,
  written: Written,
  { table, isField, source, skipIfUnknown, macros }: JudgeOptions,
  report: Report,
): Judged | undefined {
  const { condition, problems } = checkCondition(node, table)
  const types = source === 'syscall' ? eventTypes(node) : { names: everyName, problems: [] }
  const found = [
    ...problems.map(({ message, hint, isUnknownField, at, text: name }) => ({
      message, hint, isUnknown: isUnknownField, at, name,
    })), // prettier-ignore
    ...types.problems.map(({ message, at }) => {
      const name = message.startsWith('unknown event type ') ? message.slice(19) : ''
      return { message, hint: undefined, isUnknown: name !== '', at, name }
    }),
  ]
  const isSkipped = skipIfUnknown && found.every(({ isUnknown }) => isUnknown)
  for (const { message, hint, at, name } of found)
    report(
      isSkipped ? 'LOAD_UNKNOWN_FILTER' : 'LOAD_ERR_COMPILE_CONDITION',
      message,
      inCondition(written.context, text, at),
      { ...placeOf(written, text, at, name, macros), hint },
    )
  if (condition === undefined || found.length > 0) return undefined
  giveHints(node, text, written, isField, macros, report)
  return { names: types.names }
}

function giveHints(
  node: Node,
  text: string,
  written: Written,
  isField: IsField,
  macros: readonly Written[],
  report: Report,
): void {
  for (const hint of conditionHints(node))
    report(
      hint.code,
      hint.message,
      written.context,
      placeOf(written, text, hint.at, hint.text, macros),
    )
  for (const hint of constantHints(node, isField))
    report(
      hint.code,
      hint.message,
      inCondition(written.context, text, hint.at),
      placeOf(written, text, hint.at, hint.text, macros),
    )
}

export type IsField = (text: string) => boolean

/**
 * Whether a text is a field as a condition names it, argument and all, or a transformer's call on one. Most texts are
 * not, and the table takes its time to find what else could have been meant: it is asked only about names it has.
 */
export function fieldTester(table: FieldTable<never>): IsField {
  const names = new Set(table.fields.map(({ name }) => name))
  const isNear = (text: string): boolean => {
    const [name = ''] = text.split('[', 1)
    if (names.has(name)) return true
    const dot = name.lastIndexOf('.')
    return dot > 0 && isNear(name.slice(0, dot))
  }
  return (text) => {
    if (!text.includes('.') || !(text.includes('(') || isNear(text))) return false
    const parsed = parseCondition(`${text} exists`)
    if (!('node' in parsed) || parsed.node.kind !== 'exists') return false
    return checkCondition(parsed.node, table).condition !== undefined
  }
}
