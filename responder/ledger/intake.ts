/** Alerts come in: durable with their cases and steps in one transaction, before they are acknowledged. */
import { statfsSync } from 'node:fs'
import { setImmediate as turn } from 'node:timers/promises'
import { sql } from 'kysely'
import { priorities, type Alert, type Priority } from '../../contract/alert.ts'
import { caseIdOf, type Case, type CaseClaim, type Judge } from '../case.ts'
import { LedgerFull, messageOf } from '../errors.ts'
import type { Step } from '../step.ts'
import { findAlert } from './alerts.ts'
import { canonical } from './canonical.ts'
import type { Ledger, Writing } from './open.ts'
import { act, insertSteps, stepsOfCase } from './steps.ts'
import type { CaseRow } from './tables.ts'

/** What intake refuses to go beyond, so that memory, disk and queue stay bounded (I8). */
export interface IntakeBounds {
  readonly liveSteps: number
  readonly freeBytes: number
  /** Directory whose file system is asked; null for PostgreSQL, which answers for itself. */
  readonly directory: string | null
}

export interface Taken {
  readonly accepted: number
  /** Known already: sending again is a no-op. */
  readonly repeated: number
  readonly steps: readonly Step[]
  /** Alerts that the policies could not judge, with why: recorded, and to be shown as degraded. */
  readonly unjudged: readonly string[]
}

/** How long an alert waits to be told what container it is about. */
export const identityWaitMs = 60_000

/** Alerts a transaction: SQLite holds the event loop for as long as one lasts. */
const chunkSize = 50

/**
 * Throws LedgerFull; then nothing of the rest was taken and the sender is to try again later. `onSteps` hears of steps
 * as soon as they may be looked at: before any of them acts its intent is durable, and with it all that came before.
 */
export async function takeAlerts(
  ledger: Ledger,
  judge: Judge,
  bounds: IntakeBounds,
  alerts: readonly Alert[],
  onSteps: (steps: readonly Step[]) => void = () => undefined,
): Promise<Taken> {
  const total = { accepted: 0, repeated: 0, steps: [] as Step[], unjudged: [] as string[] }
  for (let start = 0; start < alerts.length; start += chunkSize) {
    if (start > 0) await turn()
    await refuseWhenFull(ledger, bounds)
    const chunk = alerts.slice(start, start + chunkSize)
    const taken = await ledger.write(
      (writing) => takeChunk(writing, judge, chunk),
      ({ steps }) => {
        onSteps(steps)
      },
    )
    total.accepted += taken.accepted
    total.repeated += chunk.length - taken.accepted
    total.steps.push(...taken.steps)
    total.unjudged.push(...taken.unjudged)
  }
  return total
}

/** Throws LedgerFull. */
export async function refuseWhenFull(ledger: Ledger, bounds: IntakeBounds): Promise<void> {
  if (bounds.directory !== null) {
    const { bavail, bsize } = statfsSync(bounds.directory)
    if (bavail * bsize < bounds.freeBytes)
      throw new LedgerFull(`less than ${bounds.freeBytes} bytes are free in ${bounds.directory}`)
  }
  const row = await ledger.rows
    .selectFrom('steps')
    .select((eb) => eb.fn.countAll<number>().as('count'))
    // A literal, so that SQLite takes the index of what is live.
    .where('status', '<>', sql.lit<'ended'>('ended'))
    .executeTakeFirst()
  if ((row?.count ?? 0) >= bounds.liveSteps)
    throw new LedgerFull(`${row?.count} steps are waiting; at most ${bounds.liveSteps} may`)
}

async function takeChunk(writing: Writing, judge: Judge, alerts: readonly Alert[]) {
  const taken = { accepted: 0, steps: [] as Step[], unjudged: [] as string[] }
  for (const alert of alerts) {
    const isNew = await insertAlert(writing, alert)
    if (!isNew) continue
    taken.accepted++
    const { cases, steps, problem } =
      alert.place?.isPending === true ? unjudgedYet : await judgeAlert(writing, judge, alert)
    taken.steps.push(...steps)
    if (problem !== undefined) taken.unjudged.push(problem)
    await writing.audit({
      kind: problem === undefined ? 'alert' : 'alert_unjudged',
      subject: alert.id,
      body: { node: alert.node, rule: alert.rule, time: alert.time, cases, problem },
    })
  }
  return taken
}

interface Judged {
  readonly cases: readonly string[]
  readonly steps: readonly Step[]
  /** Why the policies could not judge it. */
  readonly problem: string | undefined
}

/** No policy can say yet what it is about: that is asked when its amendment comes. */
const unjudgedYet: Judged = { cases: [], steps: [], problem: undefined }

/** Counts a stored alert into its cases and plans them. */
export async function judgeAlert(writing: Writing, judge: Judge, alert: Alert): Promise<Judged> {
  const cases: string[] = []
  const steps: Step[] = []
  let problem: string | undefined
  try {
    for (const claim of judged(() => judge.correlate(alert))) {
      const found = await countIntoCase(writing, alert, claim)
      cases.push(found.id)
      steps.push(...(await planCase(writing, judge, alert, found)))
    }
  } catch (error) {
    if (!(error instanceof JudgeFailed)) throw error
    problem = `alert ${alert.id} of rule ${alert.rule}: ${error.message}`
  }
  await writing.rows
    .updateTable('alerts')
    .set({ cases: JSON.stringify(cases) })
    .where('id', '=', alert.id)
    .execute()
  return { cases, steps, problem }
}

/** A policy that throws must not keep alerts from being taken; it is told apart from a ledger that fails. */
class JudgeFailed extends Error {}

function judged<Result>(ask: () => Result): Result {
  try {
    return ask()
  } catch (cause) {
    throw new JudgeFailed(messageOf(cause), { cause })
  }
}

async function planCase(
  writing: Writing,
  judge: Judge,
  alert: Alert,
  found: Case,
): Promise<readonly Step[]> {
  const before = await stepsOfCase(writing, found.id)
  const drafts = judged(() => judge.plan(alert, found, before))
  const known = new Set(before.map(({ id }) => id))
  return insertSteps(writing, drafts.filter(({ id }) => !known.has(id)).map(act))
}

async function insertAlert({ rows, nowMs }: Writing, alert: Alert): Promise<boolean> {
  const result = await rows
    .insertInto('alerts')
    .values({
      id: alert.id,
      node: alert.node,
      rule: alert.rule,
      priority: alert.priority,
      received_ms: nowMs,
      body: JSON.stringify(alert),
      cases: '[]',
      pending_until_ms: alert.place?.isPending === true ? nowMs + identityWaitMs : null,
    })
    .onConflict((conflict) => conflict.column('id').doNothing())
    .executeTakeFirst()
  return result.numInsertedOrUpdatedRows === 1n
}

async function countIntoCase(writing: Writing, alert: Alert, claim: CaseClaim): Promise<Case> {
  const { rows, nowMs } = writing
  const open = await rows
    .selectFrom('cases')
    .selectAll()
    .where('policy', '=', claim.policy)
    .where('key', '=', claim.key)
    .where('last_ms', '>=', nowMs - claim.windowMs)
    .orderBy('last_ms', 'desc')
    .limit(1)
    .executeTakeFirst()
  const row = open === undefined ? newCase(claim, alert, nowMs) : grown(open, alert, nowMs)
  const { id: _, ...rest } = row
  await rows
    .insertInto('cases')
    .values(row)
    .onConflict((conflict) => conflict.column('id').doUpdateSet(rest))
    .execute()
  return caseOf(row)
}

const newCase = (claim: CaseClaim, alert: Alert, nowMs: number): CaseRow => ({
  id: caseIdOf(claim, alert.id),
  policy: claim.policy,
  key: claim.key,
  target: canonical(claim.target),
  count: 1,
  priority: alert.priority,
  rules: JSON.stringify([alert.rule]),
  first_ms: nowMs,
  last_ms: nowMs,
  last_alert_id: alert.id,
  is_stale: 0,
})

function grown(row: CaseRow, alert: Alert, nowMs: number): CaseRow {
  const rules: string[] = JSON.parse(row.rules)
  return {
    ...row,
    count: row.count + 1,
    priority: moreUrgent(row.priority, alert.priority),
    // A case of many rules needs no more than the first hundred to be told apart.
    rules: JSON.stringify([...new Set([...rules, alert.rule])].slice(0, 100)),
    last_ms: nowMs,
    last_alert_id: alert.id,
  }
}

const urgency = (name: string) => priorities.findIndex((priority) => priority === name)
const moreUrgent = (a: string, b: string) => (urgency(a) <= urgency(b) ? a : b)

const caseOf = (row: CaseRow): Case => ({
  id: row.id,
  policy: row.policy,
  key: row.key,
  target: JSON.parse(row.target),
  count: row.count,
  priority: priorities.find((name) => name === row.priority) ?? lowest,
  rules: JSON.parse(row.rules),
  firstMs: row.first_ms,
  lastMs: row.last_ms,
})
const lowest: Priority = 'Debug'

/** Cases of which a step ended are planned again: a later rung may ask how an earlier one went. */
export async function planStaleCases(ledger: Ledger, judge: Judge): Promise<readonly Step[]> {
  const stale = await ledger.rows
    .selectFrom('cases')
    .select('id')
    .where('is_stale', '=', 1)
    .limit(100)
    .execute()
  const planned = await Promise.all(
    stale.map(({ id }) => ledger.write((writing) => planStale(writing, judge, id))),
  )
  return planned.flat()
}

/** Nothing when no step of it ended since it was planned last. */
async function planStale(writing: Writing, judge: Judge, id: string): Promise<readonly Step[]> {
  const row = await writing.rows
    .updateTable('cases')
    .set({ is_stale: 0 })
    .where('id', '=', id)
    .where('is_stale', '=', 1)
    .returningAll()
    .executeTakeFirst()
  return row === undefined ? [] : planRow(writing, judge, row)
}

/** In the transaction that ends a step of it. */
export async function planAgain(writing: Writing, judge: Judge, id: string): Promise<void> {
  const row = await writing.rows
    .selectFrom('cases')
    .selectAll()
    .where('id', '=', id)
    .executeTakeFirst()
  if (row !== undefined) await planRow(writing, judge, row)
}

async function planRow(writing: Writing, judge: Judge, row: CaseRow): Promise<readonly Step[]> {
  const alert = await findAlert(writing, row.last_alert_id)
  try {
    return await planCase(writing, judge, alert, caseOf(row))
  } catch (error) {
    if (!(error instanceof JudgeFailed)) throw error
    const body = { problem: error.message }
    await writing.audit({ kind: 'case_unjudged', subject: row.id, body })
    return []
  }
}

export async function findCase(ledger: Ledger, id: string): Promise<Case | undefined> {
  const row = await ledger.rows
    .selectFrom('cases')
    .selectAll()
    .where('id', '=', id)
    .executeTakeFirst()
  return row === undefined ? undefined : caseOf(row)
}
