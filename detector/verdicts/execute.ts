/** An order from the responder becomes an act on this node, at most once, and an answer. */
import { randomUUID } from 'node:crypto'
import type { Answer, AnswerStatus, Verdict } from '../../contract/verdict.ts'
import { unknownName } from '../../contract/problem.ts'
import {
  VerdictFailure,
  type NodeAction,
  type NodeCall,
  type NodeServices,
  type Seen,
} from './action.ts'
import type { AnswerMemory } from './answer-memory.ts'
import { noHandOver, type HandOver } from './hand-over.ts'
import { findNodeAction, nodeActions } from './index.ts'

export interface VerdictContext extends NodeServices {
  readonly bootId: string
  readonly memory: AnswerMemory
  readonly isKillSwitchOn: () => boolean
  readonly nowMs: () => number
  /** Verdicts that are being executed, by id and operation: a repeat waits for the same answer. */
  readonly underway: Map<string, Promise<Answer>>
}

interface Outcome {
  readonly status: AnswerStatus
  readonly detail: string
  readonly effect?: Readonly<Record<string, unknown>> | null
  readonly isRetryable?: boolean
}

/** Never rejects: whatever goes wrong is an answer. */
export function executeVerdict(
  verdict: Verdict,
  context: VerdictContext,
  handOver: HandOver = noHandOver,
): Promise<Answer> {
  const key = isRemembered(verdict) ? `${verdict.operation} ${verdict.id}` : randomUUID()
  const first = context.underway.get(key)
  if (first !== undefined) return first
  const answer = answerTo(verdict, context, handOver).finally(() => context.underway.delete(key))
  context.underway.set(key, answer)
  return answer
}

/** The others change nothing, and are asked to see the world as it is now. */
const isRemembered = ({ operation }: Verdict): boolean =>
  operation === 'run' || operation === 'undo'

async function answerTo(
  verdict: Verdict,
  context: VerdictContext,
  handOver: HandOver,
): Promise<Answer> {
  const { id, operation, deadlineMs } = verdict
  const known = isRemembered(verdict) ? context.memory.find(id, operation) : undefined
  if (known && !known.isRetryable) return known
  const answer = ({ status, detail, effect = null, isRetryable = false }: Outcome): Answer => {
    return { id, operation, status, detail, effect, isRetryable, finishedMs: context.nowMs() }
  }
  const action = findNodeAction(verdict.action)
  if (action === undefined) return answer(unknownAction(verdict.action))
  // What was barred had no effect, so it is not remembered: without the bar it may be tried.
  const bar = known === null ? undefined : barOf(action, verdict, context)
  if (bar !== undefined) return answer(bar)
  const outcome =
    known === null ? cutOff : await act(action, verdict, context, handOver).catch(failureOf)
  if (!isRemembered(verdict)) return answer(outcome)
  try {
    const final = answer(outcome)
    await context.memory.finish(final, deadlineMs)
    return final
  } catch (error) {
    return answer({ ...outcome, detail: `${outcome.detail} (not remembered: ${text(error)})` })
  }
}

/** A program that may have run once is not run again. */
const cutOff: Outcome = {
  status: 'failed',
  detail: 'the node restarted while it did this; whether it was finished is not known',
}

function unknownAction(name: string): Outcome {
  const names = nodeActions.map((action) => action.name)
  return { status: 'refused', detail: unknownName('action', name, names) }
}

/** In the order of design.md 10, as far as it is the node's: boot, deadline, kill switch; the guard is each action's. */
function barOf(
  action: NodeAction,
  { id, operation, bootId, deadlineMs }: Verdict,
  { memory, nowMs, isKillSwitchOn, ...context }: VerdictContext,
): Outcome | undefined {
  const lateMs = nowMs() - deadlineMs
  if (bootId !== context.bootId)
    return { status: 'target_gone', detail: 'the node has been restarted since the alert' }
  if (lateMs >= 0) return { status: 'expired', detail: `the deadline passed ${lateMs} ms ago` }
  if (operation !== 'run' || !action.isEffectful) return undefined
  if (isKillSwitchOn()) return { status: 'refused', detail: 'the kill switch is on' }
  if (memory.find(id, 'undo') === undefined) return undefined
  return { status: 'refused', detail: 'it has been undone already' }
}

async function act(
  action: NodeAction,
  verdict: Verdict,
  context: VerdictContext,
  handOver: HandOver,
): Promise<Outcome> {
  const { id, operation, deadlineMs } = verdict
  if (operation === 'run' && !action.isRepeatable)
    await context.memory.begin(id, operation, deadlineMs)
  // setTimeout holds 31 bits; AbortSignal.timeout keeps nothing alive.
  const leftMs = Math.min(Math.max(deadlineMs - context.nowMs(), 0), 0x7fff_ffff)
  return perform(action, verdict, { ...context, handOver }, AbortSignal.timeout(leftMs))
}

async function perform(
  action: NodeAction,
  verdict: Verdict,
  services: NodeServices & Pick<NodeCall<unknown>, 'handOver'>,
  signal: AbortSignal,
): Promise<Outcome> {
  const parameters = action.parameters.safeParse(verdict.parameters)
  if (!parameters.success)
    return { status: 'refused', detail: `parameters: ${parameters.error.message}` }
  const { id, process, place, fields } = verdict
  const call = { ...services, id, process, place, fields, signal, parameters: parameters.data }
  const given = verdict.effect === null ? null : action.effect.safeParse(verdict.effect)
  if (given?.success === false)
    return { status: 'refused', detail: `effect: ${given.error.message}` }
  const effect = given?.data ?? null
  switch (verdict.operation) {
    case 'plan': {
      const plan = await action.plan(call)
      if (plan.kind === 'already_done') return { status: 'already_done', detail: plan.detail }
      return { status: 'planned', detail: plan.detail, effect: record(plan.effect) }
    }
    case 'run':
      return done(await action.run(call, effect))
    case 'verify':
      if (effect === null) return { status: 'refused', detail: 'verify needs the effect of run' }
      return verified(await action.verify(call, effect))
    case 'undo':
      if (effect === null || action.undo === undefined)
        return { status: 'refused', detail: `${action.name} cannot be undone` }
      return done(await action.undo(call, effect))
  }
}

function verified(seen: boolean | Seen): Outcome {
  if (typeof seen !== 'boolean') return { status: 'done', detail: seen.detail, effect: seen.seen }
  return seen
    ? { status: 'done', detail: 'seen' }
    : { status: 'unverified', detail: 'the effect cannot be seen' }
}

const done = ({ detail, effect }: { detail: string; effect: unknown }): Outcome => ({
  status: 'done',
  detail,
  effect: record(effect),
})

/** Every effect's schema is an object; this says so to the compiler. */
const record = (effect: unknown): Record<string, unknown> => (isObject(effect) ? { ...effect } : {})

function failureOf(error: unknown): Outcome {
  if (error instanceof VerdictFailure)
    return { status: error.code, detail: error.message, isRetryable: error.retryable }
  const isRetryable = isObject(error) && error['retryable'] === true
  return { status: 'failed', detail: text(error), isRetryable }
}

const text = (error: unknown): string =>
  isObject(error) && typeof error['message'] === 'string' ? error['message'] : String(error)

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null
