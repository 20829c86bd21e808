/** ka.*: who asked for what, of which object, and what was answered. */
import { type AuditField, indexedList, keyed, listAt, text, textAt } from './row.ts'
import { at, shown, shownList } from './walk.ts'

const annotation = (name: string, help: string, key: string) =>
  textAt(name, help, 'annotations', key)

const whoFields: readonly AuditField[] = [
  textAt('ka.auditid', "the request's own id, the same in all its stages", 'auditID'),
  textAt('ka.stage', 'RequestReceived, ResponseStarted, ResponseComplete or Panic', 'stage'),
  annotation('ka.auth.decision', 'allow or forbid', 'authorization.k8s.io/decision'),
  annotation('ka.auth.reason', 'which binding or rule decided', 'authorization.k8s.io/reason'),
  annotation(
    'ka.auth.openshift.decision',
    "OpenShift's decision on who it is",
    'authentication.openshift.io/decision',
  ),
  annotation(
    'ka.auth.openshift.username',
    'name that somebody gave to log in to OpenShift',
    'authentication.openshift.io/username',
  ),
  annotation(
    'ka.validations.admission.policy.failure',
    'why a ValidatingAdmissionPolicy objected',
    'validation.policy.admission.k8s.io/validation_failure',
  ),
  annotation(
    'ka.security.pod.violations',
    'what Pod Security objected to',
    'pod-security.kubernetes.io/audit-violations',
  ),
  annotation('ka.cluster.name', 'name of the cluster, where something adds it', 'cluster_name'),
  textAt('ka.user.name', 'who asked', 'user', 'username'),
  listAt('ka.user.groups', 'the groups of who asked', 'user', 'groups'),
  textAt('ka.impuser.name', 'on whose behalf', 'impersonatedUser', 'username'),
  textAt('ka.useragent', 'what the client says that it is', 'userAgent'),
  indexedList('ka.sourceips', 'addresses of the client and its proxies', ({ document }, index) => {
    const addresses = shownList(at(document, 'sourceIPs'))
    return index === undefined ? addresses : addresses?.slice(index, index + 1)
  }),
]

const askedFields: readonly AuditField[] = [
  textAt('ka.verb', 'what was asked: get, list, create, patch …', 'verb'),
  textAt('ka.uri', 'path and query of the request', 'requestURI'),
  keyed('ka.uri.param', 'first value of a parameter of the query', ({ document }, key) => {
    const [, query = ''] = /^[^?#]*\?([^#]*)/.exec(shown(at(document, 'requestURI')) ?? '') ?? []
    return new URLSearchParams(query).get(key) ?? undefined
  }),
  textAt('ka.target.name', 'name of the object', 'objectRef', 'name'),
  textAt('ka.target.namespace', 'namespace of the object', 'objectRef', 'namespace'),
  textAt('ka.target.resource', 'resource in the plural: pods', 'objectRef', 'resource'),
  textAt('ka.target.subresource', 'part of it: exec, log, status', 'objectRef', 'subresource'),
  text(
    'ka.target.pod.name',
    'name of the pod as answered, for requests on pods themselves',
    ({ document }) => {
      const isPod =
        at(document, 'objectRef', 'resource') === 'pods' &&
        (at(document, 'objectRef', 'subresource') ?? '') === ''
      return isPod ? shown(at(document, 'responseObject', 'metadata', 'name')) : undefined
    },
  ),
  textAt('ka.resp.name', 'name of the object as answered', 'responseObject', 'metadata', 'name'),
  textAt('ka.response.code', 'HTTP status of the answer', 'responseStatus', 'code'),
  textAt('ka.response.reason', 'why it was refused', 'responseStatus', 'reason'),
]

export const requestFields: readonly AuditField[] = [...whoFields, ...askedFields]
