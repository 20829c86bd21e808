/** What the queue is rebuilt from: steps that are due or will be, and the times at which something else is. */
import { sql } from 'kysely'
import type { Due } from '../queue.ts'
import type { Ledger } from './open.ts'

const most = 5000

/** In the words of the partial index steps_live: SQLite cannot prove it of a bound value, and reads all steps there are. */
const ended = sql.lit<'ended'>('ended')

const live = ['ready', 'claimed', 'acting'] as const

const liveSteps = ({ rows }: Ledger) =>
  rows
    .selectFrom('steps')
    .select(['id', 'lane', 'status', 'not_before_ms', 'lease_until_ms', 'after_until_ms'])
    .where('status', '<>', ended)
    .where('status', 'in', live)
    .orderBy('created_ms')

type LiveStep = Awaited<ReturnType<ReturnType<typeof liveSteps>['execute']>>[number]

function dueOf({ id, lane, status, ...times }: LiveStep, nowMs: number): Due {
  const atMs = status === 'ready' ? times.not_before_ms : times.lease_until_ms + 1
  return { id, lane, delayMs: Math.max(0, atMs - nowMs) }
}

/** Live steps that a worker may take now or later; those that wait for others, or for people, are timers. */
export async function dueSteps(
  ledger: Ledger,
  { withinMs, limit = most }: { readonly withinMs?: number; readonly limit?: number } = {},
): Promise<readonly Due[]> {
  const nowMs = ledger.clock.nowMs()
  const query = liveSteps(ledger).where('after_until_ms', '<=', nowMs).limit(limit)
  const found = (await query.execute()).map((row) => dueOf(row, nowMs))
  return withinMs === undefined ? found : found.filter(({ delayMs }) => delayMs <= withinMs)
}

export interface Timer {
  readonly name: string
  readonly delayMs: number
}

/** The time is part of the name: an extended containment gets another timer, and the old one wakes for nothing. */
const timersAt = (
  { clock }: Ledger,
  found: readonly { readonly id: string; readonly at: number | null }[],
): readonly Timer[] =>
  found.map(({ id, at }) => ({
    name: `${id}-${at ?? 0}`,
    delayMs: Math.max(0, (at ?? 0) - clock.nowMs()),
  }))

/** The same of one case, with when those that wait for others stop waiting. */
export async function stepsDueIn(
  ledger: Ledger,
  caseId: string,
): Promise<{ readonly due: readonly Due[]; readonly waiting: readonly Timer[] }> {
  const nowMs = ledger.clock.nowMs()
  const found = await liveSteps(ledger).where('case_id', '=', caseId).limit(most).execute()
  const isWaiting = (row: LiveStep) => row.after_until_ms > nowMs
  const waiting = found.filter(isWaiting).map(({ id, after_until_ms: at }) => ({ id, at }))
  return {
    due: found.filter((row) => !isWaiting(row)).map((row) => dueOf(row, nowMs)),
    waiting: timersAt(ledger, waiting),
  }
}

/** When approvals expire: that of one step, or all. */
export async function approvalTimers(ledger: Ledger, stepId?: string): Promise<readonly Timer[]> {
  let query = ledger.rows
    .selectFrom('approvals')
    .select(['id', 'expires_ms as at'])
    .where('status', '=', 'pending')
    .orderBy('expires_ms')
    .limit(most)
  if (stepId !== undefined) query = query.where('step_id', '=', stepId)
  return timersAt(ledger, await query.execute())
}

/** When containments end: one, or all. */
export async function containmentTimers(ledger: Ledger, id?: string): Promise<readonly Timer[]> {
  let query = ledger.rows
    .selectFrom('containments')
    .select(['id', 'expires_ms as at'])
    .where('status', '=', 'live')
    .where('expires_ms', 'is not', null)
    .orderBy('expires_ms')
    .limit(most)
  if (id !== undefined) query = query.where('id', '=', id)
  return timersAt(ledger, await query.execute())
}

/** When steps that wait for others stop waiting. */
export async function waitingTimers(ledger: Ledger): Promise<readonly Timer[]> {
  const query = ledger.rows
    .selectFrom('steps')
    .select(['id', 'after_until_ms as at'])
    .where('status', '<>', ended)
    .where('status', '=', 'ready')
    .where('after_until_ms', '>', ledger.clock.nowMs())
    .limit(most)
  return timersAt(ledger, await query.execute())
}

/** Steps that were due for longer than this and that nobody took: the queue does not carry, whatever Redis says. */
export async function countOverdue({ rows, clock }: Ledger, byMs: number): Promise<number> {
  const row = await rows
    .selectFrom('steps')
    .select((eb) => eb.fn.countAll<number>().as('count'))
    .where('status', '<>', ended)
    .where('status', '=', 'ready')
    .where('not_before_ms', '<', clock.nowMs() - byMs)
    .executeTakeFirst()
  return row?.count ?? 0
}

export async function countOverdueUndos({ rows, clock }: Ledger, byMs: number): Promise<number> {
  const row = await rows
    .selectFrom('containments')
    .select((eb) => eb.fn.countAll<number>().as('count'))
    .where((eb) =>
      eb.or([
        eb('status', 'in', ['failed', 'conflict']),
        eb('status', 'in', ['live', 'undoing']).and('expires_ms', '<', clock.nowMs() - byMs),
      ]),
    )
    .executeTakeFirst()
  return row?.count ?? 0
}
