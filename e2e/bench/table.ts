/** How benches print: one table a bench, medians with their range, ratios within one run. */
import { cpus, loadavg, release } from 'node:os'

export const median = (values: readonly number[]): number => quantile(values, 0.5)

/** The value at a share of the sorted values; NaN of none. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN
}

/** `1.23 (1.20-1.31)`: the median and the range. */
export function spread(values: readonly number[], digits = 2): string {
  if (values.length === 0) return '-'
  const [low, high] = [Math.min(...values), Math.max(...values)]
  return `${median(values).toFixed(digits)} (${low.toFixed(digits)}-${high.toFixed(digits)})`
}

/** Markdown, so that a run can be pasted into the documentation. */
export function printTable(head: readonly string[], rows: readonly (readonly string[])[]): void {
  const widths = head.map((title, index) =>
    Math.max(title.length, ...rows.map((row) => row[index]?.length ?? 0)),
  )
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell, index) => cell.padEnd(widths[index] ?? 0)).join(' | ')} |`
  console.log(line(head))
  console.log(line(widths.map((width) => '-'.repeat(width))))
  for (const row of rows) console.log(line(row))
}

/** Figures without their machine say nothing. */
export function printMachine(): void {
  const [first] = cpus()
  const load = loadavg()[0]?.toFixed(1)
  console.log(`${cpus().length} x ${first?.model ?? '?'}, Linux ${release()}, load ${load}\n`)
}
