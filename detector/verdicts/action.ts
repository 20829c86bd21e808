/** Shape of the node's half of an action: one file each, one line in index.ts. It knows no policy and no queue. */
import type { z } from 'zod'
import type { Place, ProcessIdentity } from '../../contract/alert.ts'
import type { NodeActionName } from '../../contract/node-actions.ts'
import type { Scope } from '../scope/scope.ts'
import type { HandOver } from './hand-over.ts'
import type { Guard } from './guard.ts'
import type { NetworkBlocks } from './network-blocks.ts'
import type { OwnProcesses } from './own-processes.ts'

/** What a node action may use; everything of the machine that is not /proc comes through it. */
export interface NodeServices {
  /** The detector's data directory: quarantine/, evidence/ and the journal are in it. */
  readonly dataDir: string
  readonly guard: Guard
  /** What this detector speaks for; nothing outside of it is touched. */
  readonly scope: Scope
  /** Absolute paths that run_program may start. */
  readonly programs: readonly string[]
  readonly own: OwnProcesses
  readonly network: NetworkBlocks
}

export interface NodeCall<Parameters> extends NodeServices {
  /** The step's id: names what the action leaves on the node. */
  readonly id: string
  readonly parameters: Parameters
  readonly process: ProcessIdentity | null
  readonly place: Place | null
  /** Event fields that the alert carried. */
  readonly fields: Readonly<Record<string, unknown>>
  /** Gives a file of this step to the responder. */
  readonly handOver: HandOver
  /** Aborts at the verdict's deadline. */
  readonly signal: AbortSignal
}

export type NodePlan<Effect> =
  | { readonly kind: 'already_done'; readonly detail: string }
  | { readonly kind: 'change'; readonly detail: string; readonly effect: Effect }

export interface NodeDone<Effect> {
  readonly detail: string
  readonly effect: Effect
}

/** Verified, with what could be seen of it: figures for people and for the answer's effect. */
export interface Seen {
  readonly detail: string
  readonly seen: Readonly<Record<string, unknown>>
}

export interface NodeAction<
  Parameters extends z.ZodType = z.ZodType,
  Effect extends z.ZodType = z.ZodType,
> {
  readonly name: NodeActionName
  readonly parameters: Parameters
  readonly effect: Effect
  /** Changes something; the kill switch stops it. */
  readonly isEffectful: boolean
  /**
   * Running it again after a crash in the middle does no second harm, because the target is named exactly. One that is
   * not repeatable is written down before it begins and never begun again.
   */
  readonly isRepeatable: boolean
  plan(call: NodeCall<z.infer<Parameters>>): Promise<NodePlan<z.infer<Effect>>>
  /** `planned` is the effect that was shown and approved, null when the responder sent none. */
  run(
    call: NodeCall<z.infer<Parameters>>,
    planned: z.infer<Effect> | null,
  ): Promise<NodeDone<z.infer<Effect>>>
  verify(call: NodeCall<z.infer<Parameters>>, effect: z.infer<Effect>): Promise<boolean | Seen>
  undo?(
    call: NodeCall<z.infer<Parameters>>,
    effect: z.infer<Effect>,
  ): Promise<NodeDone<z.infer<Effect>>>
}

/** Keeps the parameter and effect types of one action through the list of all of them. */
export const nodeAction = <Parameters extends z.ZodType, Effect extends z.ZodType>(
  record: NodeAction<Parameters, Effect>,
): NodeAction<Parameters, Effect> => record

/** An action's way to say no. */
export class VerdictFailure extends Error {
  readonly code: 'target_gone' | 'refused' | 'failed'
  readonly retryable: boolean

  constructor(
    code: VerdictFailure['code'],
    message: string,
    options: ErrorOptions & { retryable?: boolean } = {},
  ) {
    super(message, options)
    this.name = 'VerdictFailure'
    this.code = code
    this.retryable = options.retryable ?? false
  }
}

export const gone = (message: string): VerdictFailure => new VerdictFailure('target_gone', message)
export const refused = (message: string): VerdictFailure => new VerdictFailure('refused', message)
export const failed = (message: string, cause?: unknown, retryable = false): VerdictFailure =>
  new VerdictFailure('failed', message, { cause, retryable })
