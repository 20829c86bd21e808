/** One mistake that an operator wrote, as data: all of them are collected and shown at once. */
export interface Problem {
  /** Stable code: Falco's `LOAD_ERR_…` for rule files, `snake_case` of our own elsewhere. */
  readonly code: string
  readonly severity: 'error' | 'warning'
  /** What is wrong and what to do about it, one sentence, no trailing full stop. */
  readonly message: string
  readonly file: string
  /** 1-based, as editors count. */
  readonly line: number
  readonly column: number
  /** Length of the text in question, for the caret line; 1 when unknown. */
  readonly length?: number
}

/** `file:line:column  message`, then the line in question and a caret line, as an operator meets it. */
export function printProblem(problem: Problem, source: string | undefined): string {
  const place = `${problem.file}:${problem.line}:${problem.column}  `
  const head = `${place}${problem.severity === 'warning' ? 'warning: ' : ''}${problem.message}`
  const text = source?.split(/\r?\n/)[problem.line - 1]
  if (text === undefined) return head
  const number = String(problem.line).padStart(5)
  const { visible, offset } = window(text, problem.column - 1)
  const carets = '^'.repeat(Math.max(1, Math.min(problem.length ?? 1, visible.length - offset)))
  return `${head}\n${number} | ${visible}\n      | ${' '.repeat(offset)}${carets}`
}

/** At most 160 columns of a long line, around the column in question. */
function window(text: string, column: number): { visible: string; offset: number } {
  const clean = text.replaceAll('\t', ' ')
  if (clean.length <= 160) return { visible: clean, offset: Math.min(column, clean.length) }
  const start = Math.max(0, Math.min(column - 80, clean.length - 160))
  return { visible: clean.slice(start, start + 160), offset: column - start }
}

/** The known name nearest to `unknown` by edit distance, or undefined when none is near. */
export function nearest(unknown: string, known: Iterable<string>): string | undefined {
  const limit = Math.max(1, Math.floor(unknown.length / 3))
  let best: { name: string; distance: number } | undefined
  for (const name of known) {
    const distance = editDistance(normal(unknown), normal(name))
    if (distance <= limit && (best === undefined || distance < best.distance))
      best = { name, distance }
  }
  return best?.name
}

/** `unknown action "isolate-pod"; did you mean isolate_pod?` */
export function unknownName(kind: string, unknown: string, known: Iterable<string>): string {
  const names = [...known]
  const near = nearest(unknown, names)
  const remedy = near === undefined ? `known: ${names.join(', ')}` : `did you mean ${near}?`
  return `unknown ${kind} ${JSON.stringify(unknown)}; ${remedy}`
}

const normal = (name: string) => name.toLowerCase().replaceAll('-', '_')

function editDistance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    for (let j = 1; j <= b.length; j++) {
      const substitution = (previous[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1)
      row.push(Math.min(substitution, (previous[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1))
    }
    previous = row
  }
  return previous[b.length] ?? 0
}
