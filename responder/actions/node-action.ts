/** The responder's half of an action that a node executes: each operation is one order to the node and its answer. */
import type { z } from 'zod'
import { nodeActionParameters, type NodeActionName } from '../../contract/node-actions.ts'
import type { Answer, Operation } from '../../contract/verdict.ts'
import { action, type Action, type Call, type Done, type Effect } from './action.ts'
import type { KeptManifest } from '../evidence/evidence.ts'
import { ActionExpired, ActionFailed, ActionRefused, TargetGone } from './errors.ts'

interface NodeActionRecord {
  readonly name: NodeActionName
  readonly summary: string
  readonly risk: Action['risk']
  readonly capabilities: readonly string[]
  readonly undo: Action['undoes']
  /** Its files are handed over while it runs; what is kept here is in its effect. */
  readonly isEvidence?: boolean
  /** Absent: a process. */
  readonly target?: Action['target']
  /** What people write, where that is more than what the node takes: then `resolve` makes the one of the other. */
  readonly parameters?: z.ZodType<Effect>
  readonly resolve?: (call: Call<Effect>, operation: Operation) => Promise<Effect>
}

export function nodeAction(record: NodeActionRecord): Action {
  const { name, summary, risk, capabilities, undo, isEvidence = false } = record
  const parameters: z.ZodType<Effect> = record.parameters ?? nodeActionParameters[name]
  const ask = async (call: Call<Effect>, operation: Operation, effect: Effect | null) =>
    call.node.ask(
      operation,
      name,
      record.resolve === undefined ? call.parameters : await record.resolve(call, operation),
      isEvidence && effect !== null ? withoutKept(effect) : effect,
    )
  const base: Action = {
    name,
    summary,
    risk,
    target: record.target ?? 'process',
    isEvidence,
    parameters,
    capabilities,
    rbac: [],
    undoes: undo,
    async plan(call) {
      const answer = await ask(call, 'plan', null)
      if (answer.status === 'already_done') return { kind: 'already_done', detail: answer.detail }
      if (answer.status !== 'planned') throw failure(answer)
      const effect = answer.effect ?? {}
      return {
        kind: 'change',
        detail: answer.detail,
        effect,
        bound: boundOf(effect, call.parameters),
      }
    },
    async run(call, effect) {
      const answered = done(await ask(call, 'run', effect))
      return isEvidence ? withKept(answered, await call.evidence.manifest()) : answered
    },
    async verify(call, effect) {
      const answer = await ask(call, 'verify', effect)
      if (answer.status === 'done') return true
      if (answer.status === 'unverified') return false
      throw failure(answer)
    },
  }
  if (undo === null) return action(base)
  return action({
    ...base,
    undo: async (call, effect) => done(await ask(call, 'undo', effect)),
  })
}

/**
 * Who approves a tree, a session or a container approves it whole: a shell's child that comes and goes meanwhile must
 * not ask people anew each second. What is not by membership (a file, addresses) stays bound.
 */
function boundOf(effect: Effect, { scope }: Effect): Effect {
  if (scope === undefined || scope === 'process') return effect
  const { processes: _members, spared: _spared, ...rest } = effect
  return rest
}

/** Where it is kept here, beside what the node says of its own folder. */
const withKept = ({ detail, effect }: Done, kept: KeptManifest | null): Done =>
  kept === null
    ? { detail, effect }
    : { detail: `${detail}; kept at ${kept.where}`, effect: { ...effect, evidence: kept } }

/** As the node answered it: its schema knows nothing of ours. */
function withoutKept({ evidence: _kept, ...effect }: Effect): Effect {
  return effect
}

function done(answer: Answer): Done {
  if (!['done', 'unverified', 'already_done'].includes(answer.status)) throw failure(answer)
  return { detail: answer.detail, effect: answer.effect ?? {} }
}

function failure({ status, operation, detail, isRetryable }: Answer): Error {
  if (status === 'target_gone') return new TargetGone(detail)
  if (status === 'refused') return new ActionRefused(detail)
  if (status === 'expired') return new ActionExpired(detail)
  if (status === 'failed') return new ActionFailed(detail, isRetryable)
  return new ActionFailed(`the node answered ${status} to ${operation}`, false)
}
