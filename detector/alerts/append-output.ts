/** falco.yaml's append_output: what every rule that it matches prints more (falco-compat 5.1, 5.2). */
import {
  compileOutput,
  type FormatOptions,
  type OutputTemplate,
  type TemplateProblem,
} from '../engine/format.ts'
import type { AlertRule } from './alert-rule.ts'

export interface AppendOutput {
  readonly match: {
    readonly source?: string | undefined
    readonly rule?: string | undefined
    readonly tags?: readonly string[] | undefined
  }
  readonly extraOutput?: string | undefined
  /** A name alone is a raw field with its native value; with a template it is always text. */
  readonly extraFields: readonly { readonly name: string; readonly template: string | undefined }[]
  readonly isSuggested: boolean
}

/** The fields that Falco's container plugin marks as suggested, in its order. */
const suggested = [
  'container.id',
  'container.name',
  'container.image.repository',
  'container.image.tag',
  'k8s.pod.name',
  'k8s.ns.name',
]

export function withAppended(rule: AlertRule, entries: readonly AppendOutput[]): string {
  let output = rule.output.trim()
  for (const entry of entries) {
    if (!matches(entry, rule)) continue
    if (entry.extraOutput !== undefined) output += ` ${entry.extraOutput}`
    if (!entry.isSuggested || rule.source !== 'syscall') continue
    for (const name of suggested) output += ` ${name.replaceAll('.', '_')}=%${name}`
  }
  // Falco takes out the name only, so the blank before it stays.
  return output.replaceAll('%container.info', '')
}

/** The extra fields of all matching entries as one thing that collects. */
export function extraFields<Subject>(
  rule: AlertRule,
  options: FormatOptions<Subject> & { readonly appendOutput: readonly AppendOutput[] },
): Pick<OutputTemplate<Subject>, 'collect'> | readonly TemplateProblem[] {
  const collectors: OutputTemplate<Subject>['collect'][] = []
  for (const entry of options.appendOutput) {
    if (!matches(entry, rule)) continue
    for (const { name, template } of entry.extraFields) {
      const compiled = compileOutput(template ?? `%${name}`, options)
      if (!('message' in compiled)) return compiled
      if (template === undefined) collectors.push(compiled.collect)
      else collectors.push((event, into) => into.set(name, compiled.message(event)))
    }
  }
  return {
    collect: (event, into) => {
      for (const collect of collectors) collect(event, into)
    },
  }
}

function matches({ match }: AppendOutput, rule: AlertRule): boolean {
  if (match.source !== undefined && match.source !== rule.source) return false
  if (match.rule !== undefined && match.rule !== rule.name) return false
  return (match.tags ?? []).every((tag) => rule.tags.includes(tag))
}
