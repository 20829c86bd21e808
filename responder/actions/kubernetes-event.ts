import { z } from 'zod'
import type { Alert } from '../../contract/alert.ts'
import type { ObjectReference } from '../kubernetes/kubernetes.ts'
import { nameOf } from '../kubernetes/objects.ts'
import { fieldOrText } from '../kubernetes/label-values.ts'
import { referenceOf } from '../kubernetes/references.ts'
import { targetFor } from '../policy/target.ts'
import { action, type Call } from './action.ts'
import { ActionRefused } from './errors.ts'

/** The API server's own bound. */
const maxNote = 1024
const urgent: ReadonlySet<Alert['priority']> = new Set([
  'Emergency',
  'Alert',
  'Critical',
  'Error',
  'Warning',
])

export const kubernetesEvent = action({
  name: 'kubernetes_event',
  summary:
    'Writes an Event on the pod (or else the object, or the node) that `kubectl describe` and `kubectl events` show.',
  risk: 'notify',
  target: 'case',
  parameters: z.strictObject({
    note: z
      .string()
      .max(maxNote)
      .default('')
      .describe('text or %field; empty: the output of the alert'),
    reason: z
      .string()
      .regex(/^[A-Z][A-Za-z0-9]{0,127}$/, 'must be a word in CamelCase')
      .default('RiposteResponse')
      .describe('what events are filtered by'),
  }),
  capabilities: [],
  rbac: [{ apiGroups: ['events.k8s.io'], resources: ['events'], verbs: ['create'] }],
  undoes: null,

  async plan(call) {
    const regarding = regardingOf(call.alert)
    const event = eventOf(call, regarding)
    const made = await call.kubernetes.create(event, { isDryRun: true })
    const on = nameOf(regarding)
    if (made === null) return { kind: 'already_done', detail: `${on} has the event` }
    const detail = `write an event on ${on}: ${event.note}`
    return { kind: 'change', detail, effect: { regarding }, bound: { regarding } }
  },

  /** Its name is the step's: a second attempt finds it there. */
  async run(call) {
    const regarding = regardingOf(call.alert)
    await call.kubernetes.create(eventOf(call, regarding))
    return { detail: `wrote an event on ${nameOf(regarding)}`, effect: { regarding } }
  },
})

function regardingOf(alert: Alert): ObjectReference {
  for (const kind of ['pod', 'object', 'node'] as const) {
    const target = targetFor(kind, alert)
    if (target !== undefined) return referenceOf(target, alert)
  }
  throw new ActionRefused('the alert is about no object of Kubernetes')
}

function eventOf(
  { alert, stepId, caseId, parameters }: Call<{ note: string; reason: string }>,
  { apiVersion, kind, namespace, name, uid }: ObjectReference,
) {
  const text = parameters.note === '' ? undefined : fieldOrText(parameters.note, alert)
  const note = `${alert.rule}: ${text ?? alert.output}`
  return {
    apiVersion: 'events.k8s.io/v1',
    kind: 'Event',
    // What lives in no namespace has its events in this one.
    metadata: {
      name: `riposte.${stepId}`,
      namespace: namespace ?? 'default',
      annotations: { 'riposte.dev/case': caseId },
    },
    eventTime: microTime(alert.time),
    reportingController: 'riposte.dev/responder',
    reportingInstance: 'riposte-responder',
    action: 'Respond',
    reason: parameters.reason,
    type: urgent.has(alert.priority) ? 'Warning' : 'Normal',
    note: note.length <= maxNote ? note : `${note.slice(0, maxNote - 1)}…`,
    // kubectl looks a node's events up by its name where it has no UID.
    regarding: {
      apiVersion,
      kind,
      name,
      ...(namespace === null ? {} : { namespace }),
      uid: uid ?? name,
    },
  }
}

/** metav1.MicroTime has six digits. */
const microTime = (time: string): string => time.replace(/(\.\d{6})\d*Z$/, '$1Z')
