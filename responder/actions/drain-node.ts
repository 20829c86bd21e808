import { setTimeout as sleep } from 'node:timers/promises'
import { z } from 'zod'
import { evictAll, leavingFrom } from '../kubernetes/drain.ts'
import { partsOfNode } from '../kubernetes/nodes.ts'
import { nameOf, referenceSchema, referenceTo } from '../kubernetes/objects.ts'
import { podName } from '../kubernetes/pods.ts'
import { noNote, priorNote, priorOf } from '../kubernetes/prior-state.ts'
import { referenceOf } from '../kubernetes/references.ts'
import { action } from './action.ts'
import { schedulingPatch } from './scheduling-action.ts'

const name = 'drain_node'
const priorSchema = z.object({ isCordoned: z.boolean() })
const effectSchema = z.object({
  step: z.string(),
  reference: referenceSchema,
  /** What undo puts back. */
  prior: priorSchema,
  /** What was there still when the time was over. */
  left: z.array(z.string()),
})

const pauseMs = 1000
/** How much of a list people are shown. */
const maxShown = 8

export const drainNode = action({
  name,
  summary:
    'Cordons the node and evicts its pods, five at once, disruption budgets honoured. DaemonSet pods, static pods and Riposte itself stay.',
  risk: 'destroy',
  target: 'node',
  parameters: z.strictObject({
    timeoutMs: z
      .int()
      .min(1000)
      .max(3_600_000)
      .default(300_000)
      .describe('how long to wait for pods to leave; what holds them is in the outcome'),
    unmanaged: z
      .boolean()
      .default(false)
      .describe('evict pods without a controller too; nothing makes them anew'),
  }),
  capabilities: [],
  rbac: [
    { apiGroups: [''], resources: ['nodes'], verbs: ['get', 'patch'] },
    { apiGroups: [''], resources: ['pods'], verbs: ['list'] },
    { apiGroups: [''], resources: ['pods/eviction'], verbs: ['create'] },
  ],
  undoes: 'lets the node take pods again, if it did before; pods that left stay where they are',

  async plan({ kubernetes, target, alert, stepId, parameters: { unmanaged } }) {
    const node = await kubernetes.get(referenceOf(target, alert))
    const { leaving, staying } = await leavingFrom(kubernetes, target.node, unmanaged)
    const isCordoned = partsOfNode(node).unschedulable === true
    if (isCordoned && leaving.length === 0)
      return { kind: 'already_done', detail: `${target.name} is cordoned and empty` }
    const prior = priorOf(node, name, stepId, priorSchema) ?? { isCordoned }
    const reference = referenceTo(node)
    const note = priorNote(node, name, stepId, prior)
    await kubernetes.patch(reference, schedulingPatch(node, true, note), { isDryRun: true })
    const held = await evictAll(kubernetes, leaving, true)
    const detail = [
      `drain ${target.name}: evict ${leaving.length} pods`,
      ...(staying.length === 0 ? [] : [`${shown(staying)} stay`]),
      ...(held.length === 0 ? [] : [`held for now: ${shown(held)}`]),
    ].join('; ')
    const effect = { step: stepId, reference, prior, left: [] }
    return { kind: 'change', detail, effect }
  },

  async run({ kubernetes, signal, parameters: { timeoutMs, unmanaged } }, given) {
    const { step, reference, prior } = effectSchema.parse(given)
    const patience = AbortSignal.timeout(timeoutMs)
    const node = await kubernetes.get(reference)
    const note = priorNote(node, name, step, prior)
    const operations = schedulingPatch(node, true, note)
    if (operations.length > 0) await kubernetes.patch(reference, operations)
    for (;;) {
      const { leaving } = await leavingFrom(kubernetes, reference.name, unmanaged)
      const held = await evictAll(kubernetes, leaving, false)
      if (leaving.length === 0 || patience.aborted) {
        const left = leaving.length === 0 ? [] : [...held, ...ending(leaving, held)]
        const detail = drained(nameOf(reference), left)
        return { detail, effect: { step, reference, prior, left } }
      }
      await sleep(pauseMs, undefined, { signal })
    }
  },

  async verify({ kubernetes, parameters: { unmanaged } }, given) {
    const { reference } = effectSchema.parse(given)
    const node = await kubernetes.get(reference)
    const { leaving } = await leavingFrom(kubernetes, reference.name, unmanaged)
    return partsOfNode(node).unschedulable === true && leaving.length === 0
  },

  async undo({ kubernetes }, given) {
    const effect = effectSchema.parse(given)
    const { step, reference, prior } = effect
    const node = await kubernetes.get(reference)
    const operations = schedulingPatch(node, prior.isCordoned, noNote(name, step))
    if (operations.length > 0) await kubernetes.patch(reference, operations)
    const state = prior.isCordoned ? 'stays cordoned, as it was before' : 'takes pods again'
    return { detail: `${nameOf(reference)} ${state}`, effect }
  },
})

const ending = (pods: Parameters<typeof evictAll>[1], held: readonly string[]): readonly string[] =>
  pods
    .map(podName)
    .filter((pod) => !held.some((sentence) => sentence.startsWith(`${pod}:`)))
    .map((pod) => `${pod}: still ends`)

const drained = (node: string, left: readonly string[]): string =>
  left.length === 0
    ? `${node} is cordoned and empty`
    : `${node} is cordoned; still there: ${shown(left)}`

const shown = (list: readonly string[]): string =>
  list.length <= maxShown
    ? list.join(', ')
    : `${list.slice(0, maxShown).join(', ')} and ${list.length - maxShown} more`
