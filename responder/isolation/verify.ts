/** Whether an isolation can be seen: the policy is as it was made, the node says so, packets stop. */
import { setTimeout as sleep } from 'node:timers/promises'
import { isDeepStrictEqual } from 'node:util'
import type { Call, Seen } from '../actions/action.ts'
import type { Kubernetes } from '../kubernetes/kubernetes.ts'
import { getUnlessGone } from '../kubernetes/unless-gone.ts'
import type { IsolationEffect } from './effect.ts'
import { askNode } from './node-cut.ts'
import type { IsolationParameters } from './parameters.ts'
import { probeAgain, type Probe } from './probe.ts'
import { labelsOf } from './relabel.ts'

export async function verifyIsolation(
  call: Call<IsolationParameters>,
  effect: IsolationEffect,
): Promise<Seen> {
  const { verify, directions } = call.parameters
  if (verify === 'none') return { isSeen: false, detail: 'nothing was to be verified' }
  if (!(await isLayerThere(call.kubernetes, effect)))
    return { isSeen: false, detail: 'the policy is not there as it was made' }
  const node = effect.node === null ? null : await askNode(call, 'verify', effect.node)
  const nodeWords = node === null ? [] : [`node: ${node.detail}`]
  if (verify === 'policy' || !directions.includes('ingress'))
    return { isSeen: node?.isDone ?? verify === 'policy', detail: nodeWords.join('; ') }
  const probed = await probe(call, effect)
  return {
    isSeen: probed.isCut ?? node?.isDone === true,
    detail: [...nodeWords, probed.detail].join('; '),
  }
}

async function isLayerThere(
  kubernetes: Kubernetes,
  { reference, policy, labels }: IsolationEffect,
): Promise<boolean> {
  if (labels === null) return false
  const pod = await kubernetes.get(reference)
  if (!isDeepStrictEqual(labelsOf(pod, labels), labels.wanted)) return false
  if (policy === null) return true
  const there = await getUnlessGone(kubernetes, policy.reference)
  return isDeepStrictEqual(there?.['spec'], policy.spec)
}

interface Probed {
  /** Null: nothing can be concluded. */
  readonly isCut: boolean | null
  readonly detail: string
}

async function probe(
  { parameters, signal }: Call<IsolationParameters>,
  { probe: before }: IsolationEffect,
): Promise<Probed> {
  if (parameters.allow.includes('responders'))
    return { isCut: null, detail: 'no probe: what Riposte may reach proves nothing' }
  if (before === null)
    return { isCut: null, detail: 'no probe: no declared port answered here before the cut' }
  return untilSilent(before, signal)
}

/** Network plugins take effect when they get to it. */
const tries = 10
const pauseMs = 300

async function untilSilent(target: Probe, signal: AbortSignal): Promise<Probed> {
  const where = `${target.host}:${target.port}`
  for (let tried = 1; ; tried++) {
    const answer = await probeAgain(target)
    if (answer === 'silent')
      return { isCut: true, detail: `${where} answered before and is silent now` }
    if (answer === 'refused')
      return {
        isCut: null,
        detail: `${where} refuses now, which a program that ended does too`,
      }
    if (tried === tries) return { isCut: false, detail: `${where} still answers` }
    await sleep(pauseMs, undefined, { signal })
  }
}
