import { isDeepStrictEqual } from 'node:util'
import { z } from 'zod'
import type {
  Kubernetes,
  KubernetesObject,
  ObjectReference,
  PatchOperation,
} from '../kubernetes/kubernetes.ts'
import { isLabelValue, labelKeySchema } from '../kubernetes/label-values.ts'
import { entriesPatch, valuePatch, type Entries } from '../kubernetes/map-patch.ts'
import { partsOfNode, taintSchema, tolerates, type Taint } from '../kubernetes/nodes.ts'
import { nameOf, referenceSchema, referenceTo } from '../kubernetes/objects.ts'
import { partsOfPod } from '../kubernetes/pods.ts'
import { noNote, priorNote, priorOf, unchangedSince } from '../kubernetes/prior-state.ts'
import { referenceOf } from '../kubernetes/references.ts'
import { action } from './action.ts'
import { Conflict } from './errors.ts'

const name = 'taint_node'
const priorSchema = taintSchema.nullable()
const effectSchema = z.object({
  step: z.string(),
  reference: referenceSchema,
  taint: taintSchema,
  /** With the same key and effect, before; null: there was none. */
  prior: priorSchema,
})

export const taintNode = action({
  name,
  summary:
    'Taints the node: NoSchedule keeps pods away that do not tolerate it, NoExecute drives them off as well.',
  risk: 'disrupt',
  target: 'node',
  parameters: z.strictObject({
    key: labelKeySchema.default('riposte.dev/suspect').describe('what pods may tolerate'),
    value: z
      .string()
      .refine(isLabelValue, { error: 'must be a label value' })
      .default('')
      .describe('value of the key'),
    effect: z
      .enum(['NoSchedule', 'PreferNoSchedule', 'NoExecute'])
      .default('NoSchedule')
      .describe('for new pods only, or (NoExecute) for those that run there too'),
  }),
  capabilities: [],
  rbac: [
    { apiGroups: [''], resources: ['nodes'], verbs: ['get', 'patch'] },
    { apiGroups: [''], resources: ['pods'], verbs: ['list'], onlyWith: 'no-execute' },
  ],
  undoes: 'takes exactly this taint away, or puts back the value that it had',

  async plan({ kubernetes, target, alert, stepId, parameters: taint }) {
    const node = await kubernetes.get(referenceOf(target, alert))
    const found = likeOn(node, taint)
    if (isDeepStrictEqual(found, taint))
      return { kind: 'already_done', detail: `${target.name} has the taint ${shown(taint)}` }
    const prior = priorOf(node, name, stepId, priorSchema) ?? found
    const effect = { step: stepId, reference: referenceTo(node), taint, prior }
    const note = priorNote(node, name, stepId, prior)
    const operations = taintPatch(node, taint, taint, note)
    await kubernetes.patch(effect.reference, operations, { isDryRun: true })
    const drivenOff =
      taint.effect === 'NoExecute' ? await drivenOffBy(kubernetes, target.node, taint) : ''
    return { kind: 'change', detail: `taint ${target.name} ${shown(taint)}${drivenOff}`, effect }
  },

  async run({ kubernetes }, given) {
    const effect = effectSchema.parse(given)
    const { step, reference, taint, prior } = effect
    await withNode(kubernetes, reference, (node) => {
      const found = likeOn(node, taint)
      if (isDeepStrictEqual(found, taint)) return []
      unchangedSince(node, prior, found)
      return taintPatch(node, taint, taint, priorNote(node, name, step, prior))
    })
    return { detail: `${nameOf(reference)} has the taint ${shown(taint)}`, effect }
  },

  async verify({ kubernetes }, given) {
    const { reference, taint } = effectSchema.parse(given)
    return isDeepStrictEqual(likeOn(await kubernetes.get(reference), taint), taint)
  },

  async undo({ kubernetes }, given) {
    const effect = effectSchema.parse(given)
    const { step, reference, taint, prior } = effect
    await withNode(kubernetes, reference, (node) => {
      const found = likeOn(node, taint)
      const note = noNote(name, step)
      if (isDeepStrictEqual(found, prior)) return entriesPatch(node, 'annotations', note)
      unchangedSince(node, taint, found)
      return taintPatch(node, taint, prior, note)
    })
    const what = prior === null ? 'has no such taint any more' : `has ${shown(prior)} again`
    return { detail: `${nameOf(reference)} ${what}`, effect }
  },
})

const isLike = (one: Pick<Taint, 'key' | 'effect'>, other: Taint) =>
  one.key === other.key && one.effect === other.effect

/** The taint with the same key and effect: there is at most one. */
function likeOn(node: KubernetesObject, taint: Taint): Taint | null {
  const found = partsOfNode(node).taints?.find((one) => isLike(one, taint))
  return found === undefined ? null : taintSchema.parse(found)
}

/** The list as a whole: others in it stay as they are, and must not change meanwhile. */
function taintPatch(node: KubernetesObject, like: Taint, wanted: Taint | null, note: Entries) {
  const { taints } = partsOfNode(node)
  const others = taints?.filter((one) => !isLike(one, like)) ?? []
  const after = wanted === null ? others : [...others, wanted]
  return [
    ...valuePatch('/spec/taints', taints, after.length === 0 ? null : after),
    ...entriesPatch(node, 'annotations', note),
  ]
}

const tries = 4

/** The node's own controllers change the list too: then it is read and changed again. */
async function withNode(
  kubernetes: Kubernetes,
  reference: ObjectReference,
  patchOf: (node: KubernetesObject) => readonly PatchOperation[],
): Promise<void> {
  for (let tried = 1; ; tried++) {
    const operations = patchOf(await kubernetes.get(reference))
    if (operations.length === 0) return
    try {
      await kubernetes.patch(reference, operations)
      return
    } catch (error) {
      if (!(error instanceof Conflict) || tried === tries) throw error
    }
  }
}

async function drivenOffBy(kubernetes: Kubernetes, node: string, taint: Taint): Promise<string> {
  const of = { apiVersion: 'v1', kind: 'Pod', namespace: null }
  const pods = await kubernetes.list(of, { fields: `spec.nodeName=${node}` })
  const { length } = pods.filter((pod) => !tolerates(partsOfPod(pod), taint))
  return `, which drives ${length} of its ${pods.length} pods off`
}

const shown = ({ key, value, effect }: Taint) =>
  `${key}${value === '' ? '' : `=${value}`}:${effect}`
