import { setTimeout as sleep } from 'node:timers/promises'
import { z } from 'zod'
import { nameOf, referenceSchema, referenceTo } from '../kubernetes/objects.ts'
import { isEnding, isMirror, partsOfPod, successorOf } from '../kubernetes/pods.ts'
import { referenceOf } from '../kubernetes/references.ts'
import { action } from './action.ts'
import { ActionRefused, TargetGone } from './errors.ts'

const effectSchema = z.object({ reference: referenceSchema, graceSeconds: z.int() })
const stepMs = 200
/** Beyond the grace: what the kubelet takes to say that the containers ended. */
const slackMs = 10_000

export const deletePod = action({
  name: 'delete_pod',
  summary:
    'Deletes the pod, this very one by its UID. A controller makes another from the same template; disruption budgets are not asked.',
  risk: 'destroy',
  target: 'pod',
  parameters: z.strictObject({
    graceSeconds: z
      .int()
      .min(0)
      .max(3600)
      .default(1)
      .describe('time to end by itself; 0 forgets the pod at once, even if it still runs'),
  }),
  capabilities: [],
  rbac: [{ apiGroups: [''], resources: ['pods'], verbs: ['get', 'delete'] }],
  undoes: null,

  async plan({ kubernetes, target, alert, parameters: { graceSeconds } }) {
    const pod = await kubernetes.get(referenceOf(target, alert))
    if (isEnding(pod)) return { kind: 'already_done', detail: `${target.name} is being deleted` }
    if (isMirror(pod))
      throw new ActionRefused(staticPod(target.name, partsOfPod(pod).spec.nodeName))
    const effect = { reference: referenceTo(pod), graceSeconds }
    await kubernetes.delete(effect.reference, { graceSeconds, isDryRun: true })
    return { kind: 'change', detail: `delete ${target.name}; ${successorOf(pod)}`, effect }
  },

  async run({ kubernetes }, given) {
    const effect = effectSchema.parse(given)
    const { reference, graceSeconds } = effect
    await kubernetes.delete(reference, { graceSeconds })
    return { detail: `deleted ${nameOf(reference)}`, effect }
  },

  /** Gone, or another by now. The kubelet may take its time over it, or be away. */
  async verify({ kubernetes, signal }, given) {
    const { reference, graceSeconds } = effectSchema.parse(given)
    const triesLeft = Math.ceil((graceSeconds * 1000 + slackMs) / stepMs)
    for (let tried = 0; tried < triesLeft; tried++) {
      try {
        await kubernetes.get(reference)
      } catch (error) {
        if (error instanceof TargetGone) return true
        throw error
      }
      await sleep(stepMs, undefined, { signal })
    }
    return false
  },
})

const staticPod = (name: string, node: string | null) =>
  `${name} is a static pod: the kubelet of ${node ?? 'its node'} runs it from a file there, and deleting it here stops nothing`
