/** The first layer: the node's own cut of the pod's cgroup. In force within microseconds, whatever the network plugin does. */
import { z } from 'zod'
import type { Operation } from '../../contract/verdict.ts'
import type { Call, Effect } from '../actions/action.ts'
import { abortable } from '../abortable.ts'
import { messageOf } from '../errors.ts'

export const nodeCutSchema = z.object({
  parameters: z.record(z.string(), z.unknown()),
  /** What the node answered to `run`; null before, and where it never answered. */
  effect: z.record(z.string(), z.unknown()).nullable(),
})
export type NodeCut = z.infer<typeof nodeCutSchema>

/** A node that is away must not hold the policy up. */
const patienceMs = 3000

export interface Asked {
  readonly isDone: boolean
  readonly detail: string
  readonly effect: Effect | null
}

/** One order, with little patience; never throws but for the attempt's own end. */
export async function askNode(
  { node, signal }: Pick<Call<unknown>, 'node' | 'signal'>,
  operation: Operation,
  { parameters, effect }: NodeCut,
): Promise<Asked> {
  const patience = AbortSignal.any([signal, AbortSignal.timeout(patienceMs)])
  try {
    const asked = node.ask(operation, 'block_network', parameters, effect)
    const { status, detail, effect: left } = await abortable(asked, patience)
    const isDone = ['planned', 'done', 'already_done'].includes(status)
    return { isDone, detail, effect: left }
  } catch (error) {
    signal.throwIfAborted()
    const detail = patience.aborted ? 'the node did not answer in time' : messageOf(error)
    return { isDone: false, detail, effect: null }
  }
}
