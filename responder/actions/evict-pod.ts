import { setTimeout as sleep } from 'node:timers/promises'
import { z } from 'zod'
import { evict } from '../kubernetes/evict.ts'
import { nameOf, referenceSchema, referenceTo } from '../kubernetes/objects.ts'
import { isEnding, isMirror, successorOf } from '../kubernetes/pods.ts'
import { referenceOf } from '../kubernetes/references.ts'
import { action } from './action.ts'
import { ActionFailed, ActionRefused, TargetGone } from './errors.ts'

const effectSchema = z.object({ reference: referenceSchema, heldBy: z.string().nullable() })
const pauseMs = 1000

export const evictPod = action({
  name: 'evict_pod',
  summary:
    'Evicts the pod: it ends in its own time, and only when every PodDisruptionBudget allows it.',
  risk: 'disrupt',
  target: 'pod',
  parameters: z.strictObject({
    timeoutMs: z
      .int()
      .min(1000)
      .max(3_600_000)
      .default(60_000)
      .describe('how long to ask again while a disruption budget says not now'),
    overridePdb: z
      .boolean()
      .default(false)
      .describe('delete it where a disruption budget holds it'),
  }),
  capabilities: [],
  rbac: [
    { apiGroups: [''], resources: ['pods'], verbs: ['get'] },
    { apiGroups: [''], resources: ['pods/eviction'], verbs: ['create'] },
    { apiGroups: [''], resources: ['pods'], verbs: ['delete'], onlyWith: 'override-pdb' },
  ],
  undoes: null,

  async plan({ kubernetes, target, alert, parameters: { overridePdb } }) {
    const pod = await kubernetes.get(referenceOf(target, alert))
    if (isEnding(pod)) return { kind: 'already_done', detail: `${target.name} is being deleted` }
    if (isMirror(pod))
      throw new ActionRefused(`${target.name} is a static pod: only its node can stop it`)
    const reference = referenceTo(pod)
    const tried = await evict(kubernetes, reference, { isDryRun: true })
    if (tried.kind === 'gone') throw new TargetGone(`${target.name} is gone`)
    const heldBy = tried.kind === 'held' ? tried.by : null
    if (heldBy !== null && overridePdb) await kubernetes.delete(reference, { isDryRun: true })
    const held = heldBy === null ? '' : `; ${heldWords(heldBy, overridePdb)}`
    const detail = `evict ${target.name}; ${successorOf(pod)}${held}`
    return { kind: 'change', detail, effect: { reference, heldBy }, bound: { reference } }
  },

  async run({ kubernetes, signal, parameters: { overridePdb, timeoutMs } }, given) {
    const { reference } = effectSchema.parse(given)
    const name = nameOf(reference)
    const patience = AbortSignal.timeout(timeoutMs)
    for (;;) {
      // Throws TargetGone.
      await kubernetes.get(reference)
      const tried = await evict(kubernetes, reference)
      if (tried.kind === 'gone') throw new TargetGone(`${name} is gone`)
      const heldBy = tried.kind === 'held' ? tried.by : null
      if (heldBy === null) return { detail: `evicted ${name}`, effect: { reference, heldBy } }
      if (overridePdb) {
        await kubernetes.delete(reference)
        const detail = `deleted ${name} over its disruption budget: ${heldBy}`
        return { detail, effect: { reference, heldBy } }
      }
      if (patience.aborted) throw new ActionFailed(`cannot evict ${name}: ${heldBy}`, true)
      await sleep(pauseMs, undefined, { signal })
    }
  },

  /** It was accepted; how long it takes to end is the pod's own affair. */
  async verify({ kubernetes }, given) {
    const { reference } = effectSchema.parse(given)
    try {
      return isEnding(await kubernetes.get(reference))
    } catch (error) {
      if (error instanceof TargetGone) return true
      throw error
    }
  },
})

const heldWords = (heldBy: string, isOverridden: boolean) =>
  isOverridden ? `deleted over its disruption budget (${heldBy})` : `held for now: ${heldBy}`
