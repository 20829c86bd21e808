/**
 * Who works on a step: an owner, until a time, under a generation that grows with each claim. Every change of a
 * claimed step names the generation, so a worker that was frozen and wakes finds its writes refused (fencing).
 */
import { sql } from 'kysely'
import type { Step } from '../step.ts'
import type { Ledger, Moment, Writing } from './open.ts'
import { stepOf } from './steps.ts'

export interface Lease {
  readonly stepId: string
  readonly owner: string
  readonly generation: number
}

export interface Claimed {
  readonly lease: Lease
  readonly step: Step
  /** The intent was durable already: the effect may have happened. */
  readonly hasBegun: boolean
}

/**
 * Compare-and-set: of all workers that try, one gets the step, and only when it is due. A statement of its own: it need
 * not be durable before the intent is, and no limit counts it.
 */
export async function claim(
  { rows, clock }: Ledger,
  stepId: string,
  owner: string,
  leaseMs: number,
): Promise<Claimed | undefined> {
  const nowMs = clock.nowMs()
  const row = await rows
    .updateTable('steps')
    .set((eb) => ({
      status: sql`case when status = 'acting' then 'acting' else 'claimed' end`,
      owner,
      lease_generation: eb('lease_generation', '+', 1),
      lease_until_ms: nowMs + leaseMs,
    }))
    .where('id', '=', stepId)
    .where((eb) =>
      eb.or([
        eb('status', '=', 'ready').and('not_before_ms', '<=', nowMs),
        eb('status', 'in', ['claimed', 'acting']).and('lease_until_ms', '<', nowMs),
      ]),
    )
    .returningAll()
    .executeTakeFirst()
  if (row === undefined) return undefined
  const lease = { stepId, owner, generation: row.lease_generation }
  return { lease, step: stepOf(row), hasBegun: row.plan !== null && row.acted_ms !== null }
}

/** False: the lease was lost, and whoever holds it now may be acting. */
export async function renew({ rows, clock }: Ledger, lease: Lease, leaseMs: number) {
  const untilMs = clock.nowMs() + leaseMs
  const result = await rows
    .updateTable('steps')
    .set({ lease_until_ms: untilMs })
    .where('id', '=', lease.stepId)
    .where('lease_generation', '=', lease.generation)
    .where('status', 'in', ['claimed', 'acting'])
    .executeTakeFirst()
  if (result.numUpdatedRows === 1n)
    await rows
      .updateTable('locks')
      .set({ until_ms: untilMs })
      .where('step_id', '=', lease.stepId)
      .execute()
  return result.numUpdatedRows === 1n
}

/** Thrown inside a transaction, which is then rolled back: another worker has the step. */
export class LeaseLost extends Error {
  constructor({ stepId }: Lease) {
    super(`the lease on step ${stepId} was lost`)
    this.name = 'LeaseLost'
  }
}

export async function update(
  { rows }: Writing,
  lease: Lease,
  set: Partial<
    Pick<
      Parameters<typeof stepOf>[0],
      | 'status'
      | 'mode'
      | 'not_before_ms'
      | 'attempt'
      | 'plan'
      | 'plan_hash'
      | 'acted_ms'
      | 'ended_ms'
      | 'outcome'
      | 'outcome_status'
      | 'owner'
    >
  >,
): Promise<void> {
  const result = await rows
    .updateTable('steps')
    .set(set)
    .where('id', '=', lease.stepId)
    .where('lease_generation', '=', lease.generation)
    .where('status', 'in', ['claimed', 'acting'])
    .executeTakeFirst()
  if (result.numUpdatedRows !== 1n) throw new LeaseLost(lease)
}

/**
 * One step at a time changes a target. Strikes have a lock of their own: a kill does not wait for a slow step on the
 * same target.
 */
export const lockOf = (step: Step): string | null =>
  step.risk === 'observe' || step.risk === 'notify'
    ? null
    : `${step.target.uid}#${step.lane === 'strike' ? 'strike' : 'change'}`

export async function lockHolder({ rows, nowMs }: Moment, step: Step): Promise<string | null> {
  const name = lockOf(step)
  if (name === null) return null
  const row = await rows
    .selectFrom('locks')
    .select('step_id')
    .where('target', '=', name)
    .where('until_ms', '>=', nowMs)
    .where('step_id', '<>', step.id)
    .executeTakeFirst()
  return row?.step_id ?? null
}

export async function takeLock({ rows, nowMs }: Writing, step: Step, leaseMs: number) {
  const name = lockOf(step)
  if (name === null) return
  const row = { step_id: step.id, until_ms: nowMs + leaseMs }
  await rows
    .insertInto('locks')
    .values({ target: name, ...row })
    .onConflict((conflict) => conflict.column('target').doUpdateSet(row))
    .execute()
}

export const releaseLock = ({ rows }: Writing, stepId: string) =>
  rows.deleteFrom('locks').where('step_id', '=', stepId).execute()

/** At start on a ledger that only this host uses: what dead workers held is free at once. */
export async function breakLeases({ rows, clock }: Ledger, isDead: (owner: string) => boolean) {
  const held = await rows
    .selectFrom('steps')
    .select(['id', 'owner', 'lease_generation'])
    .where('status', 'in', ['claimed', 'acting'])
    .execute()
  for (const { id, owner, lease_generation: generation } of held)
    if (owner === null || isDead(owner))
      await rows
        .updateTable('steps')
        .set({ lease_until_ms: clock.nowMs() - 1 })
        .where('id', '=', id)
        .where('lease_generation', '=', generation)
        .execute()
}
