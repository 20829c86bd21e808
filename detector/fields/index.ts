/** Fields of events, as the condition language wants them. A field is one row in `fields/<group>.ts`. */
import type * as condition from '../../contract/condition/values.ts'
import type { Event } from '../events/event.ts'

export type { FieldType, FieldValue, Scalar } from '../../contract/condition/values.ts'
export type Reader = condition.Reader<Event>
export type Field = condition.Field<Event>
export type FieldUse = condition.FieldUse<Event>
/** The engine is handed one of these; it knows no field by name. */
export type FieldTable = condition.FieldTable<Event>
