/** What an alert says of the event in words and fields: the rule's output, what is appended to it, static fields. */
import { compileOutput, type FormatOptions, type TemplateProblem } from '../engine/format.ts'
import type { ShownValue } from '../engine/print.ts'
import type { AlertRule } from './alert-rule.ts'
import { type AppendOutput, extraFields, withAppended } from './append-output.ts'

/** Who speaks: the same in every alert of this run. */
export interface NodeIdentity {
  readonly node: string
  readonly bootId: string
}

export interface PrintOptions<Subject> extends FormatOptions<Subject> {
  readonly appendOutput: readonly AppendOutput[]
  readonly staticFields: ReadonlyMap<string, string>
}

export interface Printed {
  readonly output: string
  readonly fields: ReadonlyMap<string, ShownValue>
}

export function compilePrinted<Subject>(
  rule: AlertRule,
  options: PrintOptions<Subject>,
): ((event: Subject) => Printed) | readonly TemplateProblem[] {
  const template = compileOutput(withAppended(rule, options.appendOutput), options)
  if (!('message' in template)) return template
  const extra = extraFields(rule, options)
  if (!('collect' in extra)) return extra
  return (event) => {
    const fields = new Map<string, ShownValue>()
    template.collect(event, fields)
    extra.collect(event, fields)
    for (const [name, value] of options.staticFields) fields.set(name, value)
    return { output: template.message(event).toWellFormed(), fields }
  }
}
