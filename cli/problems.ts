/** Mistakes in files as an operator meets them: all errors, and as many warnings as the moment bears. */
import { readFileSync } from 'node:fs'
import { type Problem, printProblem } from '../contract/problem.ts'
import type { Terminal } from './terminal.ts'

export function sayProblems(
  problems: readonly Problem[],
  terminal: Terminal,
  shownWarnings = Infinity,
): void {
  const errors = problems.filter(({ severity }) => severity === 'error')
  const warnings = problems.filter(({ severity }) => severity === 'warning')
  const shown = [...errors, ...warnings.slice(0, shownWarnings)]
  const texts = new Map<string, string | undefined>()
  for (const problem of shown) {
    if (!texts.has(problem.file)) texts.set(problem.file, textOf(problem.file))
    terminal.say(printProblem(problem, texts.get(problem.file)))
  }
  const hidden = Math.max(0, warnings.length - shownWarnings)
  if (hidden > 0) terminal.say(`${hidden} warnings; riposte rules validate shows them`)
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
