/** Mistakes in files as an operator meets them: all errors, and warnings as far as they can be read. */
import { readFileSync } from 'node:fs'
import { type Problem, printProblem } from '../contract/problem.ts'
import type { Terminal } from './terminal.ts'

/** More warnings than this say nothing at a start; `riposte rules validate` shows them all. */
const SHOWN_WARNINGS = 20

export function sayProblems(
  problems: readonly Problem[],
  terminal: Terminal,
  shownWarnings = SHOWN_WARNINGS,
): void {
  const errors = problems.filter(({ severity }) => severity === 'error')
  const warnings = problems.filter(({ severity }) => severity === 'warning')
  const shown = [...errors, ...warnings.slice(0, shownWarnings)]
  const texts = new Map<string, string | undefined>()
  for (const problem of shown) {
    if (!texts.has(problem.file)) texts.set(problem.file, textOf(problem.file))
    terminal.say(printProblem(problem, texts.get(problem.file)))
  }
  const hidden = warnings.length - Math.min(warnings.length, shownWarnings)
  if (hidden > 0) terminal.say(`${hidden} more warnings; riposte rules validate shows them`)
  if (errors.length > 0)
    terminal.say(`${errors.length} ${errors.length === 1 ? 'problem' : 'problems'}`)
}

/** A problem may be about what is no file (`-o`): then it is shown without its line. */
function textOf(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    if (error instanceof Error && 'code' in error) return undefined
    throw error
  }
}
