/** Cordon and uncordon: whether the scheduler may put new pods on a node. */
import { z } from 'zod'
import type { KubernetesObject } from '../kubernetes/kubernetes.ts'
import { entriesPatch, valuePatch } from '../kubernetes/map-patch.ts'
import { partsOfNode } from '../kubernetes/nodes.ts'
import { nameOf, referenceSchema, referenceTo } from '../kubernetes/objects.ts'
import { noNote, priorNote } from '../kubernetes/prior-state.ts'
import { referenceOf } from '../kubernetes/references.ts'
import { action, type Action, type Effect } from './action.ts'

const effectSchema = z.object({
  step: z.string(),
  reference: referenceSchema,
  isCordoned: z.boolean(),
})

interface Scheduling {
  readonly name: string
  readonly summary: string
  readonly isCordoned: boolean
  readonly undoes: string
}

const isClosed = (node: KubernetesObject) => partsOfNode(node).unschedulable === true

/** The node closed or opened, from what it was, with the note beside it or without. */
export const schedulingPatch = (
  node: KubernetesObject,
  isCordoned: boolean,
  note: Parameters<typeof entriesPatch>[2],
) => [
  ...(isClosed(node) === isCordoned
    ? []
    : valuePatch('/spec/unschedulable', partsOfNode(node).unschedulable, isCordoned || null)),
  ...entriesPatch(node, 'annotations', note),
]

export function schedulingAction({ name, summary, isCordoned, undoes }: Scheduling): Action {
  const parameters: z.ZodType<Effect> = z.strictObject({})
  return action({
    name,
    summary,
    risk: 'contain',
    target: 'node',
    parameters,
    capabilities: [],
    rbac: [{ apiGroups: [''], resources: ['nodes'], verbs: ['get', 'patch'] }],
    undoes,

    async plan({ kubernetes, target, alert, stepId }) {
      const node = await kubernetes.get(referenceOf(target, alert))
      if (isClosed(node) === isCordoned)
        return { kind: 'already_done', detail: `${target.name} ${state(isCordoned)}` }
      const effect = { step: stepId, reference: referenceTo(node), isCordoned }
      const note = priorNote(node, name, stepId, { isCordoned: !isCordoned })
      const operations = schedulingPatch(node, isCordoned, note)
      await kubernetes.patch(effect.reference, operations, { isDryRun: true })
      return { kind: 'change', detail: `${name.replace('_', ' ')} ${target.node}`, effect }
    },

    async run({ kubernetes }, given) {
      const effect = effectSchema.parse(given)
      const { step, reference } = effect
      const node = await kubernetes.get(reference)
      if (isClosed(node) !== isCordoned) {
        const note = priorNote(node, name, step, { isCordoned: !isCordoned })
        await kubernetes.patch(reference, schedulingPatch(node, isCordoned, note))
      }
      return { detail: `${nameOf(reference)} ${state(isCordoned)}`, effect }
    },

    async verify({ kubernetes }, given) {
      const { reference } = effectSchema.parse(given)
      return isClosed(await kubernetes.get(reference)) === isCordoned
    },

    async undo({ kubernetes }, given) {
      const effect = effectSchema.parse(given)
      const { step, reference } = effect
      const node = await kubernetes.get(reference)
      const operations = schedulingPatch(node, !isCordoned, noNote(name, step))
      if (operations.length > 0) await kubernetes.patch(reference, operations)
      return { detail: `${nameOf(reference)} ${state(!isCordoned)} again`, effect }
    },
  })
}

const state = (isCordoned: boolean) => (isCordoned ? 'takes no new pods' : 'takes pods')
