/** Rows as kubectl prints them: columns without borders for people, JSON, YAML or names for scripts. */
import { stringify } from 'yaml'
import { unknownName } from '../contract/problem.ts'
import { CommandFailure, exitCodes } from './terminal.ts'

export const rowFormats = ['table', 'wide', 'json', 'yaml', 'name'] as const
export type RowFormat = (typeof rowFormats)[number]

export interface Column<Row> {
  readonly title: string
  readonly value: (row: Row) => string | number | null
  /** Only with `-o wide`. */
  readonly isWide?: boolean
}

/** For commander's `.argParser`. */
export function rowFormat(text: string): RowFormat {
  const found = rowFormats.find((format) => format === text)
  if (found !== undefined) return found
  throw new CommandFailure(unknownName('format', text, rowFormats), undefined, exitCodes.usage)
}

/** The first column is the name. An empty table says `nothing` on its own line. */
export function printRows<Row>(
  rows: readonly Row[],
  columns: readonly Column<Row>[],
  format: RowFormat,
  nothing: string,
): string {
  if (format === 'json') return JSON.stringify(rows, undefined, 2)
  if (format === 'yaml') return stringify(rows).trimEnd()
  const [first] = columns
  if (format === 'name') return rows.map((row) => cell(first, row)).join('\n')
  if (rows.length === 0) return nothing
  const shown = columns.filter(({ isWide }) => format === 'wide' || isWide !== true)
  return alignColumns([
    shown.map(({ title }) => title.toUpperCase()),
    ...rows.map((row) => shown.map((column) => cell(column, row))),
  ])
}

/** Three blanks between columns, none at the end of a line. */
export function alignColumns(lines: readonly (readonly string[])[]): string {
  const widths: number[] = []
  for (const line of lines)
    line.forEach((text, index) => {
      widths[index] = Math.max(widths[index] ?? 0, text.length)
    })
  return lines
    .map((line) =>
      line
        .map((text, index) => text.padEnd(widths[index] ?? 0))
        .join('   ')
        .trimEnd(),
    )
    .join('\n')
}

/** What an alert carries may hold anything: control characters must not reach a terminal. */
function cell<Row>(column: Column<Row> | undefined, row: Row): string {
  const value = column?.value(row) ?? null
  return value === null ? '-' : String(value).replaceAll(/\p{Cc}/gu, '\uFFFD')
}

/** `3m`, `2h`, `5d`: how long ago. */
export function age(sinceMs: number, nowMs: number): string {
  const seconds = Math.max(0, Math.round((nowMs - sinceMs) / 1000))
  if (seconds < 120) return `${seconds}s`
  if (seconds < 7200) return `${Math.floor(seconds / 60)}m`
  if (seconds < 172_800) return `${Math.floor(seconds / 3600)}h`
  return `${Math.floor(seconds / 86_400)}d`
}
