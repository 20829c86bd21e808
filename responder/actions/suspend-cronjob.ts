import { z } from 'zod'
import {
  changeSchema,
  changeTo,
  isMade,
  makeChange,
  reversed,
  valueAt,
} from '../kubernetes/changes.ts'
import { nameOf, referenceTo } from '../kubernetes/objects.ts'
import { noNote, priorNote } from '../kubernetes/prior-state.ts'
import { workloadObject } from '../kubernetes/workloads.ts'
import { action } from './action.ts'

const name = 'suspend_cronjob'
const kinds = ['CronJob', 'Job']
const effectSchema = z.object({
  /** Whose note is on the object: an undo is a step of its own. */
  step: z.string(),
  change: changeSchema,
})

export const suspendCronjob = action({
  name,
  summary:
    'Suspends a CronJob, so that it starts no more Jobs (what runs goes on), or a Job of its own, whose pods end.',
  risk: 'contain',
  target: 'workload',
  parameters: z.strictObject({}),
  capabilities: [],
  rbac: [{ apiGroups: ['batch'], resources: ['cronjobs', 'jobs'], verbs: ['get', 'patch'] }],
  undoes: 'resumes it, unless somebody did since',

  async plan(call) {
    const { kubernetes, stepId } = call
    const object = await workloadObject(kubernetes, call, kinds)
    const what = nameOf({ ...object.metadata, kind: object.kind })
    if (valueAt(object, '/spec/suspend') === true)
      return { kind: 'already_done', detail: `${what} is suspended` }
    if (valueAt(object, '/status/completionTime') !== null)
      return { kind: 'already_done', detail: `${what} is over` }
    const change = changeTo(object, referenceTo(object), { '/spec/suspend': true })
    const note = () => priorNote(object, name, stepId, change.values)
    await makeChange(kubernetes, change, { isDryRun: true, note })
    return { kind: 'change', detail: `suspend ${what}`, effect: { step: stepId, change } }
  },

  async run({ kubernetes }, given) {
    const effect = effectSchema.parse(given)
    const { step, change } = effect
    const note = (object: Parameters<typeof priorNote>[0]) =>
      priorNote(object, name, step, change.values)
    await makeChange(kubernetes, change, { note })
    return { detail: `suspended ${nameOf(change.reference)}`, effect }
  },

  async verify({ kubernetes }, given) {
    const { change } = effectSchema.parse(given)
    return isMade(await kubernetes.get(change.reference), change)
  },

  async undo({ kubernetes }, given) {
    const effect = effectSchema.parse(given)
    const { step, change } = effect
    await makeChange(kubernetes, reversed(change), { note: () => noNote(name, step) })
    return { detail: `resumed ${nameOf(change.reference)}`, effect }
  },
})
