/** Labels and annotations on a pod or node: the same act on two parts of an object. */
import { isDeepStrictEqual } from 'node:util'
import { z } from 'zod'
import type { Alert } from '../../contract/alert.ts'
import type { KubernetesObject, PatchOperation } from '../kubernetes/kubernetes.ts'
import { entriesOf, entriesPatch, entriesSchema, type Entries } from '../kubernetes/map-patch.ts'
import { nameOf, patchSchema, referenceSchema, referenceTo } from '../kubernetes/objects.ts'
import { noNote, priorNote, priorOf, unchangedSince } from '../kubernetes/prior-state.ts'
import { referenceOf } from '../kubernetes/references.ts'
import { action, type Action, type Effect } from './action.ts'
import { ActionRefused, Conflict } from './errors.ts'

interface Mark<Parameters extends z.ZodType<Effect>> {
  readonly name: string
  readonly summary: string
  readonly target: 'pod' | 'node'
  readonly part: 'labels' | 'annotations'
  readonly parameters: Parameters
  /** Key → value as it is to be; undefined: the alert has no such field. */
  readonly wanted: (
    parameters: z.infer<Parameters>,
    alert: Alert,
  ) => Readonly<Record<string, string | null | undefined>>
}

const effectSchema = z.object({
  /** Whose note is on the object: an undo is a step of its own. */
  step: z.string(),
  reference: referenceSchema,
  wanted: entriesSchema,
  prior: entriesSchema,
})
/** What `run` sends, from the object as `plan` saw it: its tests fail where that is not so any more. */
const plannedSchema = effectSchema.extend({ operations: patchSchema })

export function markAction<Parameters extends z.ZodType<Effect>>({
  name,
  summary,
  target,
  part,
  parameters,
  wanted: wantedOf,
}: Mark<Parameters>): Action<Parameters> {
  const noun = part === 'labels' ? 'label' : 'annotate'
  /** The entries and the note on them, in one write. */
  const change = (object: KubernetesObject, entries: Entries, note: Entries) =>
    part === 'labels'
      ? [...entriesPatch(object, 'labels', entries), ...entriesPatch(object, 'annotations', note)]
      : entriesPatch(object, 'annotations', { ...entries, ...note })
  const marking = (object: KubernetesObject, { step, wanted, prior }: Marked) =>
    change(object, wanted, priorNote(object, name, step, prior))

  return action({
    name,
    summary,
    risk: 'mark',
    target,
    parameters,
    capabilities: [],
    rbac: [{ apiGroups: [''], resources: [`${target}s`], verbs: ['get', 'patch'] }],
    undoes: `puts back what was there before, unless somebody changed it since`,

    async plan(call) {
      const { kubernetes, alert, stepId } = call
      const object = await kubernetes.get(referenceOf(call.target, alert))
      const { wanted, missing } = withoutMissing(wantedOf(call.parameters, alert))
      const keys = Object.keys(wanted)
      if (keys.length === 0)
        throw new ActionRefused(`the alert has no value for ${missing.join(', ')}`)
      const found = entriesOf(object, part, keys)
      if (isDeepStrictEqual(found, wanted))
        return { kind: 'already_done', detail: `${call.target.name} has ${shown(wanted)}` }
      const prior = priorOf(object, name, stepId, entriesSchema) ?? found
      const effect = { step: stepId, reference: referenceTo(object), wanted, prior }
      const operations = marking(object, effect)
      if (call.willAct !== true)
        await kubernetes.patch(effect.reference, operations, { isDryRun: true })
      const without = missing.length === 0 ? '' : `; no value for ${missing.join(', ')}`
      const detail = `${noun} ${call.target.name} with ${shown(wanted)}${without}`
      return { kind: 'change', detail, effect: { ...effect, operations }, bound: effect }
    },

    async run({ kubernetes }, given) {
      const { operations, ...effect } = plannedSchema.parse(given)
      const { reference, wanted, prior } = effect
      try {
        await kubernetes.patch(reference, operations)
      } catch (error) {
        if (!(error instanceof Conflict)) throw error
        // Changed since: by others, elsewhere in the object, or by an attempt of this step that was interrupted.
        const object = await kubernetes.get(reference)
        const found = entriesOf(object, part, Object.keys(wanted))
        if (!isDeepStrictEqual(found, wanted)) {
          unchangedSince(object, prior, found)
          await kubernetes.patch(reference, marking(object, effect))
        }
      }
      return { detail: `${nameOf(reference)} has ${shown(wanted)}`, effect }
    },

    async verify({ kubernetes }, given) {
      const { reference, wanted } = effectSchema.parse(given)
      const object = await kubernetes.get(reference)
      return isDeepStrictEqual(entriesOf(object, part, Object.keys(wanted)), wanted)
    },

    async undo({ kubernetes }, given) {
      const effect = effectSchema.parse(given)
      const { step, reference, wanted, prior } = effect
      const object = await kubernetes.get(reference)
      const found = entriesOf(object, part, Object.keys(wanted))
      if (!isDeepStrictEqual(found, prior)) unchangedSince(object, wanted, found)
      const operations: readonly PatchOperation[] = change(object, prior, noNote(name, step))
      if (operations.length > 0) await kubernetes.patch(reference, operations)
      return { detail: `${nameOf(reference)} has ${shown(prior)} again`, effect }
    },
  })
}
type Marked = z.infer<typeof effectSchema>

function withoutMissing(entries: Readonly<Record<string, string | null | undefined>>) {
  const wanted: Record<string, string | null> = {}
  const missing: string[] = []
  for (const [key, value] of Object.entries(entries))
    if (value === undefined) missing.push(key)
    else wanted[key] = value
  return { wanted, missing }
}

const shown = (entries: Entries): string =>
  Object.entries(entries)
    .map(([key, value]) => (value === null ? `no ${key}` : `${key}=${cut(value)}`))
    .join(', ')

const cut = (text: string) => (text.length > 80 ? `${text.slice(0, 80)}…` : text)
