/** A source of events as rules see it: what their `source:` names. Rules of one source never see the events of another. */
import type { FieldTable } from '../../contract/condition/values.ts'

export interface RuleSource<Subject> {
  readonly name: string
  readonly fields: FieldTable<Subject>
  /** By the `id` of its events: what the ruleset dispatches on. */
  readonly eventNames: readonly string[]
  /** Names of fields that may be missing when an event is judged, and be known some time later. */
  readonly lateFields?: ReadonlySet<string>
}

/** For loading, which reads no event: a source of whatever events. */
export type AnySource = RuleSource<never>

/** An event of any source: `id` is an index into its source's `eventNames`. */
export interface Dispatched {
  readonly id: number
}

/** The table of a source, which says so when a field is another source's. Undefined for a source that there is not. */
export function fieldsOf(
  source: string,
  sources: readonly AnySource[],
): FieldTable<never> | undefined {
  const own = sources.find(({ name }) => name === source)?.fields
  if (own === undefined) return undefined
  return {
    fields: own.fields,
    find(name, argument) {
      const use = own.find(name, argument)
      if (!('problem' in use)) return use
      const owner = sources.find(({ fields }) => fields.fields.some((field) => field.name === name))
      if (owner === undefined || owner.fields === own) return use
      return { problem: `${name} is a field of ${owner.name} events` }
    },
  }
}
