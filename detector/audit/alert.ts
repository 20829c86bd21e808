/** Alerts about requests to the API server: who did what to which object. */
import { createHash } from 'node:crypto'
import type { ApiObject, Request } from '../../contract/kubernetes.ts'
import type { JudgedAlert } from '../alerts/judged.ts'
import type { AlertRule } from '../alerts/alert-rule.ts'
import { type RuledOptions, compileRuled } from '../alerts/ruled.ts'
import type { TemplateProblem } from '../engine/format.ts'
import type { AuditEvent, Json, JsonObject } from '../events/audit-event.ts'
import { at, shown, shownList } from '../fields/k8s-audit/walk.ts'

export const compileAuditAlert = (
  rule: AlertRule,
  options: RuledOptions<AuditEvent>,
): ((event: AuditEvent) => JudgedAlert) | readonly TemplateProblem[] =>
  compileRuled(rule, options, ({ document, timeNs }) => ({
    id: alertId(document, rule.name),
    timeNs,
    process: null,
    place: null,
    request: requestOf(document),
    object: objectOf(document),
    strikes: [],
  }))

/** The API server may send an event again, to any replica of the detector: it is the same alert then. */
function alertId(document: JsonObject, rule: string): string {
  const what = JSON.stringify([
    textOf(at(document, 'auditID')),
    textOf(at(document, 'stage')),
    rule,
  ])
  return createHash('sha256').update(what).digest('hex').slice(0, 32)
}

const textOf = (value: Json | undefined) => shown(value)?.toWellFormed() ?? ''
const textOrNull = (value: Json | undefined) => textOf(value) || null
const textsOf = (value: Json | undefined) =>
  (shownList(value) ?? []).map((text) => text.toWellFormed())

const requestOf = (document: JsonObject): Request => ({
  auditId: textOf(at(document, 'auditID')),
  verb: textOf(at(document, 'verb')),
  user: textOf(at(document, 'user', 'username')),
  groups: textsOf(at(document, 'user', 'groups')),
  impersonated: textOrNull(at(document, 'impersonatedUser', 'username')),
  sourceIps: textsOf(at(document, 'sourceIPs')),
  userAgent: textOf(at(document, 'userAgent')),
})

/** A created object has its name and UID in the answer only. The answer to an exec or a binding is not about the object. */
function objectOf(document: JsonObject): ApiObject | null {
  const reference = at(document, 'objectRef')
  const resource = textOf(at(reference, 'resource'))
  if (resource === '') return null
  const subresource = textOrNull(at(reference, 'subresource'))
  const answered = subresource === null ? at(document, 'responseObject', 'metadata') : undefined
  return {
    apiGroup: textOf(at(reference, 'apiGroup')),
    apiVersion: textOf(at(reference, 'apiVersion')),
    resource,
    subresource,
    namespace: textOrNull(at(reference, 'namespace')),
    name: textOrNull(at(reference, 'name')) ?? textOrNull(at(answered, 'name')),
    uid: textOrNull(at(reference, 'uid')) ?? textOrNull(at(answered, 'uid')),
  }
}
