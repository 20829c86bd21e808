import { setTimeout as sleep } from 'node:timers/promises'
import { isDeepStrictEqual } from 'node:util'
import { z } from 'zod'
import { changeTo, makeChange } from '../kubernetes/changes.ts'
import type { Kubernetes } from '../kubernetes/kubernetes.ts'
import { nameOf, referenceSchema, referenceTo } from '../kubernetes/objects.ts'
import { currentOf, revisionOf, revisionsOf, templateOf } from '../kubernetes/revisions.ts'
import { isObserved, refuseStanding, rolledOut, templatePath } from '../kubernetes/rollouts.ts'
import { workloadObject } from '../kubernetes/workloads.ts'
import { action } from './action.ts'
import { ActionFailed, ActionRefused, Conflict } from './errors.ts'

/** Templates may hold what should stand in no ledger: the objects that keep them are named instead. */
const effectSchema = z.object({
  workload: referenceSchema,
  from: z.object({ number: z.int(), reference: referenceSchema }),
  to: z.object({ number: z.int(), reference: referenceSchema }),
})
type UndoEffect = z.infer<typeof effectSchema>
const verifyMs = 10_000
const stepMs = 250

export const rolloutUndo = action({
  name: 'rollout_undo',
  summary:
    'Rolls a Deployment, StatefulSet or DaemonSet back to the template before the one it has.',
  risk: 'disrupt',
  target: 'workload',
  parameters: z.strictObject({}),
  capabilities: [],
  rbac: [
    {
      apiGroups: ['apps'],
      resources: ['deployments', 'statefulsets', 'daemonsets'],
      verbs: ['get', 'patch'],
    },
    {
      apiGroups: ['apps'],
      resources: ['replicasets', 'controllerrevisions'],
      verbs: ['get', 'list'],
    },
  ],
  undoes: 'rolls forward again, unless somebody changed the template since',

  async plan(call) {
    const { kubernetes } = call
    const object = await workloadObject(kubernetes, call, rolledOut)
    const what = nameOf({ ...object.metadata, kind: object.kind })
    refuseStanding(object)
    const revisions = await revisionsOf(kubernetes, object)
    const current = currentOf(object, revisions)
    if (current === undefined)
      throw new ActionFailed(`the template of ${what} is not recorded as a revision yet`, true)
    const previous = revisions.find(({ number }) => number < current.number)
    if (previous === undefined) throw new ActionRefused(`${what} has no revision before its own`)
    const [from, to] = [current, previous].map(({ number, reference }) => ({ number, reference }))
    const effect = effectSchema.parse({ workload: referenceTo(object), from, to })
    await roll(kubernetes, effect, { isDryRun: true })
    const detail = `roll ${what} back from revision ${current.number} to ${previous.number}`
    return { kind: 'change', detail, effect }
  },

  async run({ kubernetes }, given) {
    const effect = effectSchema.parse(given)
    await roll(kubernetes, effect, { isDryRun: false })
    const detail = `rolled ${nameOf(effect.workload)} back to what was revision ${effect.to.number}`
    return { detail, effect }
  },

  async verify({ kubernetes, signal }, given) {
    const { workload, to } = effectSchema.parse(given)
    const wanted = revisionOf(await kubernetes.get(to.reference)).template
    for (let left = verifyMs / stepMs; left > 0; left--) {
      const object = await kubernetes.get(workload)
      if (!isDeepStrictEqual(templateOf(object), wanted)) return false
      if (isObserved(object)) return true
      await sleep(stepMs, undefined, { signal })
    }
    return false
  },

  async undo({ kubernetes }, given) {
    const effect = effectSchema.parse(given)
    const { workload, from, to } = effect
    await roll(kubernetes, { workload, from: to, to: from }, { isDryRun: false })
    const detail = `rolled ${nameOf(workload)} forward to what was revision ${from.number}`
    return { detail, effect }
  },
})

/** Nothing where it is rolled already. Throws Conflict where the workload has neither template. */
async function roll(
  kubernetes: Kubernetes,
  { workload, from, to }: UndoEffect,
  { isDryRun }: { readonly isDryRun: boolean },
): Promise<void> {
  const object = await kubernetes.get(workload)
  const [was, wanted] = [
    revisionOf(await kubernetes.get(from.reference)).template,
    revisionOf(await kubernetes.get(to.reference)).template,
  ]
  const found = templateOf(object)
  if (isDeepStrictEqual(found, wanted)) return
  if (!isDeepStrictEqual(found, was))
    throw new Conflict(`the template of ${nameOf(workload)} was changed since`)
  await makeChange(kubernetes, changeTo(object, workload, { [templatePath]: wanted }), { isDryRun })
}
