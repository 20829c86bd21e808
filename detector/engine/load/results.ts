/** What `-V` prints of a load, as text and as JSON (falco-compat 1.6): a result a file, in the order of loading. */
import { codeTexts } from './codes.ts'
import type { Loaded } from './load.ts'
import { lastSpot, type LoadProblem } from './places.ts'
import type { SourceFile } from './read.ts'

type Result = Pick<Loaded, 'problems' | 'files'>

/** `rules.yaml: Ok`, or `Invalid` and every error with its chain and a snippet. Warnings are counted only. */
export function validationText({ files, problems }: Result): string {
  return files
    .map((file) => {
      const errors = ofFile(problems, file, 'error')
      if (errors.length > 0)
        return `${file.name}: Invalid\n${errors.length} Errors:\n${errors.map((problem) => errorText(problem, file)).join('')}`
      const hasWarnings = ofFile(problems, file, 'warning').length > 0
      return `${file.name}: Ok${hasWarnings ? ', with warnings' : ''}\n`
    })
    .join('')
}

/** `{"falco_load_results":[…]}`, keys sorted. */
export function validationJson({ files, problems }: Result): string {
  const falco_load_results = files.map((file) => {
    const errors = ofFile(problems, file, 'error')
    return {
      errors: errors.map((problem) => problemJson(problem, file)),
      name: file.name,
      successful: errors.length === 0,
      warnings: ofFile(problems, file, 'warning').map((problem) => problemJson(problem, file)),
    }
  })
  return JSON.stringify({ falco_load_results })
}

/** Of the load of this file; a file given twice answers for both. */
const ofFile = (
  problems: readonly LoadProblem[],
  { name }: SourceFile,
  severity: LoadProblem['severity'],
) => problems.filter((problem) => problem.loadedWith === name && problem.severity === severity)

function errorText(problem: LoadProblem, file: SourceFile): string {
  const chain = problem.context.map(({ type, name, label, spot }, index) => {
    const item = name === '' ? type : `${type} '${name}'`
    return `${index === 0 ? 'In ' : '    '}${item}: (${label}:${spot.line}:${spot.column})\n`
  })
  const last = `${problem.code} (${codeTexts[problem.code]}): ${problem.falcoMessage}\n`
  return `${chain.join('')}------\n${snippet(problem, file)}------\n${last}`
}

function problemJson(problem: LoadProblem, file: SourceFile) {
  return {
    code: problem.code,
    codedesc: codeTexts[problem.code],
    context: {
      locations: problem.context.map(({ type, name, label, spot }) => ({
        item_name: name,
        item_type: type,
        position: { column: spot.column, line: spot.line, name: label, offset: spot.offset },
      })),
      snippet: snippet(problem, file),
    },
    message: problem.falcoMessage,
  }
}

const SNIPPET_WIDTH = 160

/** The line in question, at most 160 wide around the place, and a caret below it. */
function snippet(problem: LoadProblem, file: SourceFile): string {
  const spot = lastSpot(problem.context)
  const text = problem.excerpt?.text ?? (spot.file === file.name ? file.text : '')
  if (text === '') return '<No context available>\n'
  let at = Math.min(problem.excerpt?.offset ?? spot.offset, text.length - 1)
  while (at > 0 && text[at] === '\n') at--
  const half = SNIPPET_WIDTH / 2
  const lineStart = text.lastIndexOf('\n', at) + 1
  const newline = text.indexOf('\n', at)
  const lineEnd = newline < 0 ? text.length : newline
  const from = Math.max(lineStart, at - half)
  const to = Math.min(lineEnd, at + half)
  const lead = from > lineStart ? '...' : ''
  const tail = to < lineEnd ? '...' : ''
  const line = `${lead}${text.slice(from + lead.length, to - tail.length)}${tail}`
  return `${line}\n${' '.repeat(at - from)}^\n`
}
