/** Brings an isolation about: the node's cut and the policy side by side, neither waits for the other. */
import { isDeepStrictEqual } from 'node:util'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Call, Done } from '../actions/action.ts'
import { ActionFailed, Conflict, TargetGone } from '../actions/errors.ts'
import { messageOf } from '../errors.ts'
import type { Kubernetes, ObjectReference } from '../kubernetes/kubernetes.ts'
import { nameOf } from '../kubernetes/objects.ts'
import { unchangedSince } from '../kubernetes/prior-state.ts'
import {
  isolationEffectSchema,
  madePolicySchema,
  type MadePolicy,
  type PlannedIsolation,
  type Relabelling,
} from './effect.ts'
import { askNode } from './node-cut.ts'
import { providers, policyObject } from './policies.ts'
import { labelsOf, relabelPatch } from './relabel.ts'
import type { IsolationParameters } from './parameters.ts'

type IsolationCall = Call<IsolationParameters>

export async function runIsolation(call: IsolationCall, planned: PlannedIsolation): Promise<Done> {
  const { node, notes } = planned
  const cutting = node === null ? null : askNode(call, 'run', node)
  const [cut, layer] = await Promise.all([cutting, durableLayer(call, planned)])
  const isCut = cut?.isDone === true
  if (layer.error !== null && (!isCut || layer.error instanceof TargetGone)) throw layer.error
  const asked = cut === null || node === null ? null : { ...node, effect: cut.effect }
  const { policy } = layer
  const name = nameOf(planned.reference)
  const by = [
    ...(isCut ? ['by its node'] : []),
    ...(policy === null ? [] : [`by ${nameOf(policy.reference)}`]),
  ]
  const detail = [
    `cut ${call.parameters.directions.join(' and ')} of ${name} ${by.join(' and ')}`,
    ...(cut === null || isCut ? [] : [`node cut not available: ${cut.detail}`]),
    ...(layer.error === null ? [] : [`no policy: ${messageOf(layer.error)}`]),
    ...notes,
  ].join('; ')
  // Without an answer the node may still have done it: undo asks it again.
  const effect = isolationEffectSchema.parse({ ...planned, policy, node: asked })
  return { detail, effect }
}

interface Layer {
  readonly policy: MadePolicy | null
  /** Why it is not there. */
  readonly error: Error | null
}

/** How often, and how far apart, a policy is tried while the node already cuts. */
const tries = 5
const pauseMs = 1000

async function durableLayer(call: IsolationCall, planned: PlannedIsolation): Promise<Layer> {
  for (let tried = 1; ; tried++) {
    try {
      return { policy: await makeLayer(call, planned), error: null }
    } catch (error) {
      call.signal.throwIfAborted()
      const isPassing = error instanceof ActionFailed && error.retryable
      if (!isPassing || tried === tries) return { policy: null, error: errorFrom(error) }
      await sleep(pauseMs, undefined, { signal: call.signal })
    }
  }
}

const errorFrom = (error: unknown): Error =>
  error instanceof Error ? error : new Error(String(error))

/** The policy first: from the moment of the label on there is no gap. */
async function makeLayer(
  { kubernetes, caseId }: IsolationCall,
  { step, reference, policy, labels, relabel }: PlannedIsolation,
): Promise<MadePolicy | null> {
  if (labels === null) return null
  const made =
    policy === null ? null : await makePolicy(kubernetes, reference, policy, step, caseId)
  try {
    await kubernetes.patch(reference, relabel)
  } catch (error) {
    if (error instanceof TargetGone && made !== null) await kubernetes.delete(made.reference)
    if (!(error instanceof Conflict)) throw error
    await relabelAnew(kubernetes, step, reference, labels)
  }
  return made
}

/** Changed since: by others, elsewhere in the pod, or by an attempt of this step that was interrupted. */
async function relabelAnew(
  kubernetes: Kubernetes,
  step: string,
  reference: ObjectReference,
  labels: Relabelling,
): Promise<void> {
  const pod = await kubernetes.get(reference)
  const found = labelsOf(pod, labels)
  if (isDeepStrictEqual(found, labels.wanted)) return
  unchangedSince(pod, labels.prior, found)
  await kubernetes.patch(reference, relabelPatch(pod, step, labels))
}

async function makePolicy(
  kubernetes: Kubernetes,
  pod: ObjectReference,
  { reference, spec }: MadePolicy,
  stepId: string,
  caseId: string,
): Promise<MadePolicy> {
  const { apiVersion, kind, name } = reference
  const provider = Object.values(providers).find(
    (one) => one.apiVersion === apiVersion && one.kind === kind,
  )
  if (provider === undefined)
    throw new Conflict(`nothing is known of ${apiVersion} ${kind} any more`)
  const object = policyObject(provider, pod, { name, stepId, caseId }, spec)
  const created = await kubernetes.create({ ...object, metadata: { ...object.metadata, name } })
  const there = created ?? (await kubernetes.get(reference))
  // Its name is the step's: an earlier attempt made it, and nobody changed it since.
  if (created === null) unchangedSince(there, spec, there['spec'])
  return madePolicySchema.parse({
    reference: { ...reference, uid: there.metadata.uid },
    spec: there['spec'],
  })
}
