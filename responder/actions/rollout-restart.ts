import { setTimeout as sleep } from 'node:timers/promises'
import { z } from 'zod'
import { changeSchema, changeTo, isMade, makeChange } from '../kubernetes/changes.ts'
import { nameOf, referenceTo } from '../kubernetes/objects.ts'
import {
  isObserved,
  refuseStanding,
  rolledOut,
  templateAnnotations,
  templatePath,
} from '../kubernetes/rollouts.ts'
import { workloadObject } from '../kubernetes/workloads.ts'
import { action } from './action.ts'

/** kubectl's own, so that `kubectl rollout history` shows it as such. */
const restartedAt = 'kubectl.kubernetes.io/restartedAt'
const effectSchema = z.object({ change: changeSchema })
const verifyMs = 10_000
const stepMs = 250

export const rolloutRestart = action({
  name: 'rollout_restart',
  summary:
    'Replaces all pods of a Deployment, StatefulSet or DaemonSet as its rollout strategy says, from the template as it is.',
  risk: 'disrupt',
  target: 'workload',
  parameters: z.strictObject({}),
  capabilities: [],
  rbac: [
    { apiGroups: ['apps'], resources: ['replicasets'], verbs: ['get'] },
    {
      apiGroups: ['apps'],
      resources: ['deployments', 'statefulsets', 'daemonsets'],
      verbs: ['get', 'patch'],
    },
  ],
  undoes: null,

  async plan(call) {
    const { kubernetes, alert } = call
    const object = await workloadObject(kubernetes, call, rolledOut)
    const what = nameOf({ ...object.metadata, kind: object.kind })
    refuseStanding(object)
    // The alert's time, not this moment's: two steps for one alert restart it once.
    const annotations = { ...templateAnnotations(object), [restartedAt]: alert.time }
    const path = `${templatePath}/metadata/annotations`
    const change = changeTo(object, referenceTo(object), { [path]: annotations })
    if (isMade(object, change))
      return { kind: 'already_done', detail: `${what} was restarted for this alert` }
    await makeChange(kubernetes, change, { isDryRun: true })
    return { kind: 'change', detail: `restart ${what}`, effect: { change } }
  },

  async run({ kubernetes }, given) {
    const effect = effectSchema.parse(given)
    await makeChange(kubernetes, effect.change)
    return { detail: `restarted ${nameOf(effect.change.reference)}`, effect }
  },

  /** The controller has taken it up; how long the rollout takes is the workload's own affair. */
  async verify({ kubernetes, signal }, given) {
    const { change } = effectSchema.parse(given)
    for (let left = verifyMs / stepMs; left > 0; left--) {
      const object = await kubernetes.get(change.reference)
      if (!isMade(object, change)) return false
      if (isObserved(object)) return true
      await sleep(stepMs, undefined, { signal })
    }
    return false
  },
})
