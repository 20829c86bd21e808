/**
 * Output templates: `"%proc.name opened %12fd.name"` becomes, at load, a list of pieces that print an event.
 *
 *   template := ( text | '%' width? ( transformer '(' … ')' | field ( '[' argument ']' )? ) )*
 *
 * The longest known field name after a `%` wins and what follows it is text, so `%proc.exe.` ends a sentence.
 * A missing value prints `<NA>`: Falco puts every message in that mode (falco-compat 5.1).
 */
import type { Event } from '../events/event.ts'
import type { FieldTable, FieldUse, FieldValue } from '../fields/index.ts'
import { type BufferFormat, type ShownValue, printShown, printText } from './print.ts'

/** `toupper` and the like: the engine's own rows, by name. */
export type Transformers = ReadonlyMap<string, (value: FieldValue) => FieldValue>

export interface FormatOptions {
  readonly table: FieldTable
  readonly transformers: Transformers
  readonly buffers: BufferFormat
}

export interface OutputTemplate {
  /** Every field of the template by its canonical text: the keys of `output_fields`. */
  readonly fields: readonly FieldUse[]
  readonly message: (event: Event) => string
  /** Puts each field's value under its name. */
  readonly collect: (event: Event, into: Map<string, ShownValue>) => void
}

/** What is wrong with a template and where, so that the loader can point into the rule file. */
export interface TemplateProblem {
  readonly problem: string
  /** 0-based index into the template. */
  readonly offset: number
  readonly length: number
}

interface Insert {
  readonly use: FieldUse
  readonly width: number
  readonly read: (event: Event) => FieldValue
}

/** All mistakes at once; a template without any is ready to print. */
export function compileOutput(
  template: string,
  options: FormatOptions,
): OutputTemplate | readonly TemplateProblem[] {
  const pieces: (string | Insert)[] = []
  const problems: TemplateProblem[] = []
  let position = 0
  while (position < template.length) {
    const percent = template.indexOf('%', position)
    const textEnd = percent < 0 ? template.length : percent
    if (textEnd > position) pieces.push(template.slice(position, textEnd))
    if (percent < 0) break
    const parsed = parseInsert(template, percent, options)
    if ('problem' in parsed) problems.push(parsed)
    else pieces.push(parsed.insert)
    position = 'problem' in parsed ? percent + 1 : parsed.end
  }
  return problems.length > 0 ? problems : printer(pieces, options.buffers)
}

function printer(pieces: readonly (string | Insert)[], buffers: BufferFormat): OutputTemplate {
  const inserts = pieces.filter((piece) => typeof piece !== 'string')
  return {
    fields: inserts.map((insert) => insert.use),
    message(event) {
      let message = ''
      for (const piece of pieces) {
        if (typeof piece === 'string') message += piece
        else message += fit(printText(piece.use.field, piece.read(event), buffers), piece.width)
      }
      return message
    },
    collect(event, into) {
      for (const { use, read } of inserts)
        into.set(use.text, printShown(use.field, read(event), buffers))
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

type Parsed = { readonly insert: Insert; readonly end: number } | TemplateProblem

function parseInsert(template: string, percent: number, options: FormatOptions): Parsed {
  const digits = /^\d*/.exec(template.slice(percent + 1))?.[0] ?? ''
  const start = percent + 1 + digits.length
  if (start >= template.length)
    return { problem: 'the output ends with %; write a field after it', offset: percent, length: 1 }
  const operand = parseOperand(template, start, options)
  if ('problem' in operand) return operand
  const { use, read, end } = operand
  return { insert: { use, read, width: Number(digits) }, end }
}

type Operand =
  { readonly use: FieldUse; readonly read: Insert['read']; readonly end: number } | TemplateProblem

/** A field, or a transformer around an operand; `output_fields` lists it under the inner field's name. */
function parseOperand(template: string, start: number, options: FormatOptions): Operand {
  const called = /^([a-z0-9_]+)\(\s*/.exec(template.slice(start))
  const transform = options.transformers.get(called?.[1] ?? '')
  if (called === null || transform === undefined) return parseField(template, start, options.table)
  const inner = parseOperand(template, start + called[0].length, options)
  if ('problem' in inner) return inner
  const close = /^\s*\)/.exec(template.slice(inner.end))
  const name = called[1] ?? ''
  if (close === null)
    return { problem: `expected ) after ${name}(${inner.use.text}`, offset: inner.end, length: 1 }
  if (inner.use.field.isPlain) {
    const problem = `${inner.use.text} takes no transformer; write it without ${name}()`
    return { problem, offset: start, length: called[0].length }
  }
  const { print: _, ...field } = inner.use.field
  const read = (event: Event) => transform(inner.read(event))
  return { use: { ...inner.use, field }, read, end: inner.end + close[0].length }
}

function parseField(template: string, start: number, table: FieldTable): Operand {
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
      return { use, read: use.read, end: bracket?.end ?? start + length }
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
