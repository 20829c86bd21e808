/** What the queue is rebuilt from: steps that are due or will be, and the times at which something else is. */
import { sql } from 'kysely'
import type { Due } from '../queue.ts'
import type { Ledger } from './open.ts'

const most = 5000

/** In the words of the partial index steps_live: SQLite cannot prove it of a bound value, and reads all steps there are. */
const ended = sql.lit<'ended'>('ended')

/** Live steps that a worker may take now or later; those that wait for others, or for people, are timers. */
export async function dueSteps(
  { rows, clock }: Ledger,
  filter: { readonly caseId?: string; readonly withinMs?: number; readonly limit?: number } = {},
): Promise<readonly Due[]> {
  const nowMs = clock.nowMs()
  let query = rows
    .selectFrom('steps')
    .select(['id', 'lane', 'status', 'not_before_ms', 'lease_until_ms'])
    .where('status', '<>', ended)
    .where('status', 'in', ['ready', 'claimed', 'acting'])
    .where('after_until_ms', '<=', nowMs)
    .orderBy('created_ms')
    .limit(filter.limit ?? most)
  if (filter.caseId !== undefined) query = query.where('case_id', '=', filter.caseId)
  const found = (await query.execute()).map(({ id, lane, status, ...times }) => {
    const atMs = status === 'ready' ? times.not_before_ms : times.lease_until_ms + 1
    return { id, lane, delayMs: Math.max(0, atMs - nowMs) }
  })
  const { withinMs } = filter
  return withinMs === undefined ? found : found.filter(({ delayMs }) => delayMs <= withinMs)
}

export interface Timer {
  readonly name: string
  readonly delayMs: number
}

/** Approvals that expire, containments that end, steps that stop waiting for others; of one step and its case, or of all. */
export async function timers({ rows, clock }: Ledger, stepId?: string): Promise<readonly Timer[]> {
  const nowMs = clock.nowMs()
  let pending = rows
    .selectFrom('approvals')
    .select(['id', 'expires_ms as at'])
    .where('status', '=', 'pending')
    .orderBy('expires_ms')
    .limit(most)
  let live = rows
    .selectFrom('containments')
    .select(['id', 'expires_ms as at'])
    .where('status', '=', 'live')
    .where('expires_ms', 'is not', null)
    .orderBy('expires_ms')
    .limit(most)
  if (stepId !== undefined) {
    pending = pending.where('step_id', '=', stepId)
    live = live.where('id', '=', stepId)
  }
  let bound = rows
    .selectFrom('steps')
    .select(['id', 'after_until_ms as at'])
    .where('status', '<>', ended)
    .where('status', '=', 'ready')
    .where('after_until_ms', '>', nowMs)
    .limit(most)
  if (stepId !== undefined)
    bound = bound.where('case_id', '=', (eb) =>
      eb.selectFrom('steps as ended').select('ended.case_id').where('ended.id', '=', stepId),
    )
  const approvals = await pending.execute()
  const containments = await live.execute()
  const waiting = await bound.execute()
  // The time is part of the name: an extended containment gets another timer, and the old one wakes for nothing.
  return [...approvals, ...containments, ...waiting].map(({ id, at }) => ({
    name: `${id}-${at ?? 0}`,
    delayMs: Math.max(0, (at ?? 0) - nowMs),
  }))
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
