/** The fields of Kubernetes audit events: one list a group, and the table of them all. */
import type { AuditEvent } from '../../events/audit-event.ts'
import { tableOf } from '../find-field.ts'
import { genericFields } from '../time.ts'
import { containerListFields } from './containers.ts'
import { jsonFields } from './json.ts'
import { objectFields } from './objects.ts'
import { podFields } from './pod.ts'
import { requestFields } from './request.ts'

const generic = genericFields<AuditEvent>({
  number: ({ number }) => number,
  wallNs: ({ timeNs }) => timeNs,
  sinceFirstNs: ({ timeNs, firstTimeNs }) => timeNs - firstTimeNs,
  hostname: ({ hostname }) => hostname,
  source: 'k8s_audit',
  plugin: { name: 'k8saudit', info: ({ document }) => JSON.stringify(document) },
})

/** Of Falco's k8saudit plugin. */
export const kaFields = [...requestFields, ...objectFields, ...podFields, ...containerListFields]

export const k8sAuditFields = tableOf([...kaFields, ...jsonFields, ...generic])
export { generic as genericAuditFields, jsonFields }
