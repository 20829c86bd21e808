/** Takes an isolation back in the reverse order of its making, after a look that finds what somebody changed since. */
import { isDeepStrictEqual } from 'node:util'
import type { Call, Done } from '../actions/action.ts'
import { ActionFailed, TargetGone } from '../actions/errors.ts'
import type { Kubernetes, KubernetesObject } from '../kubernetes/kubernetes.ts'
import { nameOf } from '../kubernetes/objects.ts'
import { unchangedSince } from '../kubernetes/prior-state.ts'
import { getUnlessGone } from '../kubernetes/unless-gone.ts'
import type { IsolationEffect, MadePolicy } from './effect.ts'
import { askNode } from './node-cut.ts'
import type { IsolationParameters } from './parameters.ts'
import { labelsOf, relabelBackPatch } from './relabel.ts'

export async function undoIsolation(
  call: Call<IsolationParameters>,
  effect: IsolationEffect,
): Promise<Done> {
  const { kubernetes } = call
  const { step, reference, policy, labels } = effect
  const pod = await kubernetes.get(reference)
  // Null: somebody took it away, which is what undo wants.
  const there = policy === null ? null : await getUnlessGone(kubernetes, policy.reference)
  if (there !== null) unchangedSince(there, policy?.spec, there['spec'])
  if (labels !== null) {
    const found = labelsOf(pod, labels)
    if (!isDeepStrictEqual(found, labels.prior)) unchangedSince(pod, labels.wanted, found)
    const operations = relabelBackPatch(pod, step, labels)
    if (operations.length > 0) await kubernetes.patch(reference, operations)
  }
  if (there !== null && policy !== null) await remove(kubernetes, policy, there)
  await release(call, effect)
  return { detail: `${nameOf(reference)} is reachable again`, effect }
}

async function remove(
  kubernetes: Kubernetes,
  { reference }: MadePolicy,
  { metadata }: KubernetesObject,
): Promise<void> {
  const { uid, resourceVersion } = metadata
  try {
    await kubernetes.delete({ ...reference, uid }, { resourceVersion })
  } catch (error) {
    if (!(error instanceof TargetGone)) throw error
  }
}

/** A node that never answered may have cut it all the same; it knows its cut by the step. */
async function release(
  call: Call<IsolationParameters>,
  { node, step }: IsolationEffect,
): Promise<void> {
  if (node === null) return
  const unconfirmed = { processes: [], spared: [], cgroups: [], allow: [], step }
  const { isDone, detail } = await askNode(call, 'undo', {
    ...node,
    effect: node.effect ?? unconfirmed,
  })
  if (!isDone && node.effect !== null)
    throw new ActionFailed(`its node still cuts it: ${detail}`, true)
}
