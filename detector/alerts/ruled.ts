/** Alerts of a rule, whatever it is about: its output printed, and what only its source can tell. */
import type { Alert } from '../../contract/alert.ts'
import type { TemplateProblem } from '../engine/format.ts'
import { type JudgedAlert, contractFields } from './judged.ts'
import type { AlertRule } from './alert-rule.ts'
import { type NodeIdentity, type PrintOptions, compilePrinted } from './printed.ts'
import { rfc3339 } from './time.ts'

export interface RuledOptions<Subject> extends PrintOptions<Subject> {
  readonly identity: NodeIdentity
}

/** What the source knows of the event. */
export interface Told extends Pick<
  Alert,
  'id' | 'process' | 'place' | 'request' | 'object' | 'strikes'
> {
  /** Nanoseconds since 1970. */
  readonly timeNs: bigint
}

export function compileRuled<Subject>(
  rule: AlertRule,
  options: RuledOptions<Subject>,
  tell: (event: Subject) => Told,
): ((event: Subject) => JudgedAlert) | readonly TemplateProblem[] {
  const printed = compilePrinted(rule, options)
  if (typeof printed !== 'function') return printed
  const { node, bootId } = options.identity
  return (event) => {
    const { id, timeNs, process, place, request, object, strikes } = tell(event)
    const { output, fields } = printed(event)
    return {
      timeNs,
      fields,
      isInternal: false,
      alert: {
        id,
        node,
        bootId,
        rule: rule.name,
        priority: rule.priority,
        source: rule.source,
        tags: [...new Set(rule.tags)].toSorted(),
        time: rfc3339(timeNs),
        output,
        outputFields: contractFields(fields),
        actions: [...rule.actions],
        process,
        place,
        request,
        object,
        strikes,
      },
    }
  }
}
