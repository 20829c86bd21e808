/**
 * Output templates: `"%proc.name opened %12fd.name"` becomes, at load, a list of pieces that print an event.
 *
 *   template := ( text | '%' width? ( transformer '(' … ')' | field ( '[' argument ']' )? ) )*
 *
 * The longest known field name after a `%` wins and what follows it is text, so `%proc.exe.` ends a sentence.
 * A missing value prints `<NA>`: Falco puts every message in that mode (falco-compat 5.1).
 */
import { bindOperand } from '../../contract/condition/check.ts'
import { parseTransform } from '../../contract/condition/parser.ts'
import type { FieldTable, Reader } from '../../contract/condition/values.ts'
import {
  type BufferFormat,
  type Printable,
  type ShownValue,
  printShown,
  printText,
} from './print.ts'

export interface FormatOptions<Subject> {
  readonly table: FieldTable<Subject>
  readonly buffers: BufferFormat
}

export interface OutputTemplate<Subject> {
  /** The keys of `output_fields`: each field's canonical text, a transformer's under its inner field. */
  readonly keys: readonly string[]
  readonly message: (event: Subject) => string
  /** Puts each field's value under its name. */
  readonly collect: (event: Subject, into: Map<string, ShownValue>) => void
}

/** What is wrong with a template and where, so that the loader can point into the rule file. */
export interface TemplateProblem {
  readonly problem: string
  /** 0-based index into the template. */
  readonly offset: number
  readonly length: number
}

interface Insert<Subject> extends Operand<Subject> {
  readonly width: number
}

interface Operand<Subject> {
  /** Undefined for a transformer without any field. */
  readonly key: string | undefined
  readonly printable: Printable
  readonly read: Reader<Subject>
  /** Index behind it. */
  readonly end: number
}

/** All mistakes at once; a template without any is ready to print. */
export function compileOutput<Subject>(
  template: string,
  options: FormatOptions<Subject>,
): OutputTemplate<Subject> | readonly TemplateProblem[] {
  const pieces: (string | Insert<Subject>)[] = []
  const problems: TemplateProblem[] = []
  let position = 0
  while (position < template.length) {
    const percent = template.indexOf('%', position)
    const textEnd = percent < 0 ? template.length : percent
    if (textEnd > position) pieces.push(template.slice(position, textEnd))
    if (percent < 0) break
    const parsed = parseInsert(template, percent, options)
    if ('problem' in parsed) problems.push(parsed)
    else pieces.push(parsed)
    position = 'problem' in parsed ? percent + 1 : parsed.end
  }
  return problems.length > 0 ? problems : printer(pieces, options.buffers)
}

function printer<Subject>(
  pieces: readonly (string | Insert<Subject>)[],
  buffers: BufferFormat,
): OutputTemplate<Subject> {
  const inserts = pieces.filter((piece) => typeof piece !== 'string')
  return {
    keys: inserts.flatMap(({ key }) => key ?? []),
    message(event) {
      let message = ''
      for (const piece of pieces) {
        if (typeof piece === 'string') message += piece
        else message += fit(printText(piece.printable, piece.read(event), buffers), piece.width)
      }
      return message
    },
    collect(event, into) {
      for (const { key, printable, read } of inserts)
        if (key !== undefined) into.set(key, printShown(printable, read(event), buffers))
    },
  }
}

/** Falco resizes bytes, so a cut may fall inside a character, which then prints as U+FFFD. */
function fit(text: string, width: number): string {
  if (width === 0) return text
  const bytes = Buffer.from(text)
  if (bytes.length === text.length) return text.slice(0, width).padEnd(width)
  return Buffer.concat([bytes, Buffer.alloc(width, ' ')]).toString('utf8', 0, width)
}

function parseInsert<Subject>(
  template: string,
  percent: number,
  { table }: FormatOptions<Subject>,
): Insert<Subject> | TemplateProblem {
  const digits = /^\d*/.exec(template.slice(percent + 1))?.[0] ?? ''
  const start = percent + 1 + digits.length
  if (start >= template.length)
    return { problem: 'the output ends with %; write a field after it', offset: percent, length: 1 }
  const operand = parseTransformer(template, start, table) ?? parseField(template, start, table)
  return 'problem' in operand ? operand : { ...operand, width: Number(digits) }
}

/** The condition language's own transformers, with its own parser. */
function parseTransformer<Subject>(
  template: string,
  start: number,
  table: FieldTable<Subject>,
): Operand<Subject> | TemplateProblem | undefined {
  const parsed = parseTransform(template, start)
  if (parsed === undefined) return undefined
  if ('problem' in parsed)
    return { problem: parsed.problem.message, offset: parsed.problem.at, length: 1 }
  const { node, end } = parsed
  const bound = bindOperand(node, table, 'left')
  if ('problem' in bound) return { problem: bound.problem, offset: start, length: end - start }
  return { key: bound.uses[0]?.text, printable: { type: bound.type }, read: bound.read, end }
}

function parseField<Subject>(
  template: string,
  start: number,
  table: FieldTable<Subject>,
): Operand<Subject> | TemplateProblem {
  const run = /^[A-Za-z0-9_.]*/.exec(template.slice(start))?.[0].replace(/\.+$/, '') ?? ''
  let firstProblem: string | undefined
  for (let length = run.length; length > 0; length--) {
    const name = run.slice(0, length)
    const bracket = bracketAt(template, start + length)
    const use = table.find(name, bracket?.argument)
    if ('problem' in use) {
      firstProblem ??= use.problem
    } else if (use.field.isFilterOnly) {
      const problem = `${name} can be tested but not printed; remove it from the output`
      return { problem, offset: start, length }
    } else {
      // evt.arg.NAME: the table may have taken less than it was offered.
      const end = bracket?.end ?? start + Math.min(length, use.text.length)
      return { key: use.text, printable: use.field, read: use.read, end }
    }
  }
  const problem = firstProblem ?? 'expected a field after %'
  return { problem, offset: start, length: Math.max(1, run.length) }
}

function bracketAt(template: string, position: number) {
  if (template[position] !== '[') return undefined
  const close = template.indexOf(']', position)
  if (close < 0) return undefined
  return { argument: template.slice(position + 1, close), end: close + 1 }
}
