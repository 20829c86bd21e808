/** Exceptions of a rule: are they well formed, how are they merged, and which condition do they mean (falco-compat 1.4). */
import { comparisons, modifiers } from '../../../contract/condition/ast.ts'
import type { Entry, ExceptionItem } from './items.ts'
import type { Report } from './places.ts'

const listOperators: readonly string[] = ['in', 'intersects', 'pmatch']
const knownOperators: readonly string[] = [...comparisons, '==', 'exists']
const textOperators: readonly string[] = [
  '=', '==', '!=', 'glob', 'iglob', 'contains', 'icontains', 'bcontains', 'startswith', 'bstartswith', 'endswith', 'regex',
] // prettier-ignore

/** `startswith oneof`: an operator that takes a list through its modifier. */
function isModified(operator: string): boolean {
  const [comparison = '', modifier = '', ...more] = operator.split(/[ \t\r\n]+/)
  return (
    more.length === 0 &&
    textOperators.includes(comparison) &&
    modifiers.some((known) => known === modifier)
  )
}

const isList = (entry: Entry): entry is readonly Entry[] => typeof entry !== 'string'
const textOf = (entry: Entry): string => (isList(entry) ? entry.map(textOf).join(' ') : entry)

type IsField = ((name: string) => boolean) | undefined

/** With comparisons filled in where they were left out: `=` a field of a list, `in` for a single field. */
export function checkExceptions(
  exceptions: readonly ExceptionItem[],
  isField: IsField,
  report: Report,
): readonly ExceptionItem[] {
  return exceptions.flatMap((exception) => {
    if (exception.fields !== undefined) return checkException(exception, isField, report) ?? []
    report(
      'LOAD_ERR_VALIDATE',
      'Rule exception item must have fields property with a list of fields',
      exception.context,
    )
    return []
  })
}

function checkException(
  exception: ExceptionItem,
  isField: IsField,
  report: Report,
): ExceptionItem | undefined {
  const { fields = [], context } = exception
  const problem = isList(fields)
    ? checkListForm(fields, exception.comps)
    : checkScalarForm(exception.comps)
  const unknown = (isList(fields) ? fields.map(textOf) : [fields]).find(
    (field) => isField?.(field) === false,
  )
  const message =
    problem ?? (unknown === undefined ? undefined : `'${unknown}' is not a supported filter field`)
  if (message !== undefined) {
    report('LOAD_ERR_VALIDATE', message, context)
    return undefined
  }
  const comps = exception.comps ?? (isList(fields) ? fields.map(() => '=') : 'in')
  return { ...exception, comps: trimmed(comps) }
}

const trimmed = (entry: Entry): Entry => (isList(entry) ? entry.map(trimmed) : entry.trim())

function checkListForm(fields: readonly Entry[], comps: Entry | undefined): string | undefined {
  if (comps === undefined) return undefined
  if (!isList(comps) || comps.length !== fields.length)
    return 'Fields and comps lists must have equal length'
  const unknown = comps
    .map((comp) => textOf(comp).trim())
    .find((comp) => !knownOperators.includes(comp) && !isModified(comp))
  return unknown === undefined ? undefined : `'${unknown}' is not a supported comparison operator`
}

function checkScalarForm(comps: Entry | undefined): string | undefined {
  if (comps === undefined) return undefined
  if (isList(comps)) return 'Fields and comps must both be strings'
  if (listOperators.includes(comps.trim()) || isModified(comps.trim())) return undefined
  return 'When fields is a single value, comps must be one of (in, pmatch, intersects) or a modifier operator (e.g. startswith oneof)'
}

/** An existing exception takes more values; a new one needs fields and values. */
export function mergeExceptions(
  existing: readonly ExceptionItem[],
  added: readonly ExceptionItem[],
  isField: IsField,
  report: Report,
): readonly ExceptionItem[] {
  const merged = [...existing]
  for (const exception of added) {
    const index = merged.findIndex(({ name }) => name === exception.name)
    const previous = merged[index]
    const problem = previous === undefined ? whyNotNew(exception) : whyNotMore(exception)
    if (problem !== undefined) report('LOAD_ERR_VALIDATE', problem, exception.context)
    else if (previous !== undefined)
      merged[index] = { ...previous, values: [...previous.values, ...exception.values] }
    else merged.push(...checkExceptions([exception], isField, report))
  }
  return merged
}

function whyNotNew({ fields, values }: ExceptionItem): string | undefined {
  if (fields === undefined) return 'Rule exception must have fields property with a list of fields'
  return values.length === 0
    ? 'Rule exception must have values property with a list of values'
    : undefined
}

function whyNotMore({ fields, comps }: ExceptionItem): string | undefined {
  if (fields !== undefined)
    return 'Can not append exception fields to existing exception, only values'
  return comps === undefined
    ? undefined
    : 'Can not append exception comps to existing exception, only values'
}

/** `(condition) and not …`: lists in it are still names, and expand with the rest. */
export function withExceptions(
  condition: string,
  exceptions: readonly ExceptionItem[],
  report: Report,
): string {
  if (exceptions.length === 0) return condition
  const parts = exceptions
    .map((exception) =>
      isList(exception.fields ?? []) ? listForm(exception, report) : scalarForm(exception, report),
    )
    .filter((part) => part !== '')
  return [`(${condition})`, ...parts].join(' and not ')
}

function scalarForm({ fields = '', comps = 'in', values, context }: ExceptionItem, report: Report) {
  if (values.some(isList))
    report('LOAD_ERR_VALIDATE', 'Expected values array to contain a list of strings', context)
  if (values.length === 0) return ''
  return `(${textOf(fields)} ${textOf(comps)} (${values.map((value) => quoted(textOf(value))).join(', ')}))`
}

function listForm({ fields = [], comps = [], values, context }: ExceptionItem, report: Report) {
  if (!isList(fields) || !isList(comps)) return ''
  const tuples = values.map((tuple) => {
    const cells = isList(tuple) ? tuple : []
    if (cells.length !== fields.length)
      report('LOAD_ERR_VALIDATE', 'Fields and values lists must have equal length', context)
    const checks = fields.map((field, index) => {
      const operator = textOf(comps[index] ?? '=')
      return `${textOf(field)} ${operator} ${cellText(cells[index] ?? '', operator)}`
    })
    return `(${checks.join(' and ')})`
  })
  return tuples.length === 0 ? '' : `(${tuples.join(' or ')})`
}

function cellText(cell: Entry, operator: string): string {
  if (isList(cell)) return `(${cell.map((item) => quoted(textOf(item))).join(', ')})`
  const takesList = listOperators.includes(operator) || isModified(operator)
  if (takesList) return cell.startsWith('(') ? cell : `(${cell})`
  return quoted(cell)
}

/** Falco's rule for list items and exception values: quotes around what has a blank, unless quoted already. */
export const quoted = (text: string): string =>
  text.includes(' ') && !/^["']/.test(text) ? `"${text}"` : text
