/** ka.req.*: what the request would write, for objects other than pods. */
import type { AuditEvent, Json } from '../../events/audit-event.ts'
import { type AuditField, indexedList, keyed, list, listAt, textAt } from './row.ts'
import { at, gather, isList, present, requestSpec, shown } from './walk.ts'

function subjects({ document }: AuditEvent): readonly Json[] {
  const found = at(document, 'requestObject', 'subjects')
  return isList(found) ? found : []
}

const namesOf =
  (kind: string, print: (subject: Json) => string | undefined) => (event: AuditEvent) =>
    subjects(event)
      .filter((subject) => at(subject, 'kind') === kind)
      .flatMap((subject) => print(subject) ?? [])

const nameOf = (subject: Json) => shown(at(subject, 'name'))

function namespacedName(subject: Json): string | undefined {
  const [namespace, name] = [shown(at(subject, 'namespace')), nameOf(subject)]
  return namespace === undefined || name === undefined ? undefined : `${namespace}:${name}`
}

/** A part of the rules of a Role, of all of them or one. */
const ruleList = (part: string, help: string) =>
  indexedList(`ka.req.role.rules.${part}`, help, ({ document }, index) => {
    const parts = gather(at(document, 'requestObject', 'rules'), [part], index)
    return parts.flatMap((found) => (isList(found) ? present(found) : []))
  })

export const objectFields: readonly AuditField[] = [
  listAt('ka.req.binding.subjects', 'subjects of a binding', 'requestObject', 'subjects'),
  list('ka.req.binding.subjects.user_names', 'its users', namesOf('User', nameOf)),
  list('ka.req.binding.subjects.group_names', 'its groups', namesOf('Group', nameOf)),
  list(
    'ka.req.binding.subjects.serviceaccount_names',
    'its service accounts',
    namesOf('ServiceAccount', nameOf),
  ),
  list(
    'ka.req.binding.subjects.serviceaccount_ns_names',
    'its service accounts, as namespace:name',
    namesOf('ServiceAccount', namespacedName),
  ),
  textAt('ka.req.binding.role', 'role of a binding', 'requestObject', 'roleRef', 'name'),
  keyed(
    'ka.req.binding.subject.has_name',
    'true if a subject of the binding has the name in brackets, else false',
    (event, name) => String(subjects(event).some((subject) => nameOf(subject) === name)),
  ),
  textAt('ka.req.configmap.name', 'name of a ConfigMap', 'objectRef', 'name'),
  textAt('ka.req.configmap.obj', "a ConfigMap's data, as JSON", 'requestObject', 'data'),
  listAt('ka.req.role.rules', 'rules of a Role, each as JSON', 'requestObject', 'rules'),
  ruleList('apiGroups', 'API groups in the rules of a Role'),
  ruleList('nonResourceURLs', 'paths in the rules of a ClusterRole'),
  ruleList('verbs', 'verbs in the rules of a Role'),
  ruleList('resources', 'resources in the rules of a Role'),
  textAt('ka.req.service.type', 'type of a Service', 'requestObject', 'spec', 'type'),
  indexedList('ka.req.service.ports', 'ports of a Service, each as JSON', (event, index) => {
    const ports = at(requestSpec(event), 'ports')
    if (!isList(ports)) return undefined
    return present(index === undefined ? ports : ports.slice(index, index + 1))
  }),
]
