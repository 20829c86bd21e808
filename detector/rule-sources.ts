/** The list of event sources that rules may name, each with its fields; a detector runs the rules of one of them. */
import type { AnySource, RuleSource } from './engine/rule-source.ts'
import type { AuditEvent } from './events/audit-event.ts'
import type { Event } from './events/event.ts'
import { events } from './events/schema.ts'
import { k8sAuditFields } from './fields/k8s-audit/index.ts'
import { lateFields, syscallFields } from './fields/table.ts'

export const syscallSource: RuleSource<Event> = {
  name: 'syscall',
  fields: syscallFields,
  eventNames: events.map(({ name }) => name),
  lateFields,
}

export const k8sAuditSource: RuleSource<AuditEvent> = {
  name: 'k8s_audit',
  fields: k8sAuditFields,
  eventNames: ['pluginevent'],
}

export const ruleSources: readonly AnySource[] = [syscallSource, k8sAuditSource]
