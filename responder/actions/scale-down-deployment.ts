import { setTimeout as sleep } from 'node:timers/promises'
import { z } from 'zod'
import { gitOpsOwnerOf, pausesFor } from '../kubernetes/autoscalers.ts'
import {
  changeSchema,
  changeTo,
  isMade,
  makeChange,
  reversed,
  valueAt,
  type Change,
} from '../kubernetes/changes.ts'
import type { Kubernetes, KubernetesObject } from '../kubernetes/kubernetes.ts'
import { nameOf, referenceTo } from '../kubernetes/objects.ts'
import { noNote, priorNote } from '../kubernetes/prior-state.ts'
import { workloadObject } from '../kubernetes/workloads.ts'
import { action } from './action.ts'
import { TargetGone } from './errors.ts'

const name = 'scale_down_deployment'
const kinds = ['Deployment', 'StatefulSet', 'ReplicaSet']
const replicasPath = '/spec/replicas'
/** Pods count as gone once they are being deleted: controllers take seconds at most. */
const verifyMs = 30_000
const stepMs = 250

const effectSchema = z.object({
  /** Whose note is on the workload: an undo is a step of its own. */
  step: z.string(),
  from: z.int(),
  to: z.int(),
  workload: changeSchema,
  scalers: z.array(changeSchema),
  isAutoscaled: z.boolean(),
})

export const scaleDownDeployment = action({
  name,
  summary:
    'Scales a Deployment, StatefulSet or bare ReplicaSet down and keeps its autoscalers from scaling it up again.',
  risk: 'disrupt',
  target: 'workload',
  parameters: z.strictObject({
    to: z.int().min(0).max(10_000).default(0).describe('replicas to leave running'),
    gitops: z
      .enum(['pause', 'warn'])
      .default('pause')
      .describe(
        'pause: Flux is told on the object to leave it alone; warn: it is only said that an owner will undo this (for Argo CD always)',
      ),
  }),
  capabilities: [],
  rbac: [
    {
      apiGroups: ['apps'],
      resources: ['deployments', 'statefulsets', 'replicasets'],
      verbs: ['get', 'patch'],
    },
    {
      apiGroups: ['autoscaling'],
      resources: ['horizontalpodautoscalers'],
      verbs: ['get', 'list', 'patch'],
    },
    {
      apiGroups: ['keda.sh'],
      resources: ['scaledobjects'],
      verbs: ['get', 'list', 'patch'],
      onlyWith: 'keda',
    },
  ],
  undoes: 'restores replicas, autoscalers and annotations, unless somebody changed them since',

  async plan(call) {
    const { kubernetes, parameters, stepId } = call
    const { to, gitops } = parameters
    const object = await workloadObject(kubernetes, call, kinds)
    const what = nameOf({ ...object.metadata, kind: object.kind })
    const from = replicasOf(object)
    if (from <= to) return { kind: 'already_done', detail: `${what} has ${from} replicas` }
    const { changes, details, isAutoscaled } = await pausesFor(kubernetes, object, to)
    const owner = gitOpsOwnerOf(object)
    const pause = gitops === 'pause' ? (owner?.pause ?? null) : null
    const workload = changeTo(object, referenceTo(object), { [replicasPath]: to }, pause ?? {})
    const effect = { step: stepId, from, to, workload, scalers: [...changes], isAutoscaled }
    await make(kubernetes, effect, true)
    const ownerWords =
      owner === null
        ? []
        : [pause === null ? `${owner.name} may undo this` : `${owner.name} is told to leave it`]
    const also = [...details, ...ownerWords].map((detail) => `; ${detail}`).join('')
    return { kind: 'change', detail: `scale ${what} from ${from} to ${to}${also}`, effect }
  },

  async run({ kubernetes }, given) {
    const effect = effectSchema.parse(given)
    await make(kubernetes, effect, false)
    const { from, to, workload } = effect
    return { detail: `scaled ${nameOf(workload.reference)} from ${from} to ${to}`, effect }
  },

  async verify({ kubernetes, signal }, given) {
    const { workload, to } = effectSchema.parse(given)
    for (let left = verifyMs / stepMs; left > 0; left--) {
      const object = await kubernetes.get(workload.reference)
      if (replicasOf(object) > to) return false
      if (isReached(object, to)) return true
      await sleep(stepMs, undefined, { signal })
    }
    return false
  },

  async undo({ kubernetes }, given) {
    const effect = effectSchema.parse(given)
    const workload = await undoOf(kubernetes, effect)
    const note = () => noNote(name, effect.step)
    const gone: string[] = []
    // All are asked before one is changed. Autoscalers first: a cap would take the replicas back.
    for (const isDryRun of [true, false]) {
      for (const scaler of effect.scalers) {
        const isThere = await madeWhereThere(kubernetes, reversed(scaler), isDryRun)
        if (!isThere && !isDryRun) gone.push(`; ${nameOf(scaler.reference)} is gone`)
      }
      await makeChange(kubernetes, workload, { isDryRun, note })
    }
    const detail = `scaled ${nameOf(workload.reference)} to ${effect.from} again${gone.join('')}`
    return { detail, effect }
  },
})

type ScaleEffect = z.infer<typeof effectSchema>

async function make(
  kubernetes: Kubernetes,
  { step, workload, scalers }: ScaleEffect,
  isDryRun: boolean,
): Promise<void> {
  for (const scaler of scalers) await makeChange(kubernetes, scaler, { isDryRun })
  const prior = { values: workload.values, annotations: workload.annotations.was }
  const note = (object: KubernetesObject) => priorNote(object, name, step, prior)
  await makeChange(kubernetes, workload, { isDryRun, note })
}

/** An autoscaler may have chosen fewer replicas than the cap: that is no change by somebody else. */
async function undoOf(kubernetes: Kubernetes, effect: ScaleEffect): Promise<Change> {
  const { workload, isAutoscaled, to } = effect
  const back = reversed(workload)
  if (!isAutoscaled) return back
  const object = await kubernetes.get(workload.reference)
  const found = replicasOf(object)
  if (isMade(object, back) || found > to) return back
  const values = back.values.map((value) =>
    value.path === replicasPath ? { ...value, was: found } : value,
  )
  return { ...back, values }
}

/** False: it is not there any more, so that there is nothing to take back. */
async function madeWhereThere(
  kubernetes: Kubernetes,
  change: Change,
  isDryRun: boolean,
): Promise<boolean> {
  try {
    await makeChange(kubernetes, change, { isDryRun })
    return true
  } catch (error) {
    if (error instanceof TargetGone) return false
    throw error
  }
}

const replicasOf = (object: KubernetesObject): number =>
  z.int().nullable().parse(valueAt(object, replicasPath)) ?? 1

const statusSchema = z.looseObject({
  status: z
    .looseObject({ replicas: z.int().default(0), observedGeneration: z.int().default(0) })
    .prefault({}),
})

function isReached(object: KubernetesObject, to: number): boolean {
  const { replicas, observedGeneration } = statusSchema.parse(object).status
  return observedGeneration >= (object.metadata.generation ?? 0) && replicas <= to
}
