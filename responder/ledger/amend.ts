/** Alerts that went out before the node knew their container: completed once and judged then, or ended unjudged (I1). */
import type { Alert, Amendment } from '../../contract/alert.ts'
import type { Judge } from '../case.ts'
import type { Step } from '../step.ts'
import { judgeAlert, refuseWhenFull, type IntakeBounds } from './intake.ts'
import type { Ledger, Writing } from './open.ts'

export interface Amended {
  readonly steps: readonly Step[]
  /** As of intake: the policies failed on these, with why. */
  readonly unjudged: readonly string[]
}

/** Amendments a transaction, as for alerts. */
const chunkSize = 50

/**
 * Throws LedgerFull. What is not waiting any more, is another node's, or is of another cgroup changes nothing: the
 * first word of the node that sent the alert holds.
 */
export async function takeAmendments(
  ledger: Ledger,
  judge: Judge,
  bounds: IntakeBounds,
  amendments: readonly Amendment[],
): Promise<Amended> {
  const total = { steps: [] as Step[], unjudged: [] as string[] }
  for (let start = 0; start < amendments.length; start += chunkSize) {
    await refuseWhenFull(ledger, bounds)
    const chunk = amendments.slice(start, start + chunkSize)
    const taken = await ledger.write(async (writing) => {
      const each: Amended[] = []
      for (const amendment of chunk) each.push(await takeOne(writing, judge, amendment))
      return each
    })
    total.steps.push(...taken.flatMap(({ steps }) => steps))
    total.unjudged.push(...taken.flatMap(({ unjudged }) => unjudged))
  }
  return total
}

const nothing: Amended = { steps: [], unjudged: [] }

async function takeOne(writing: Writing, judge: Judge, amendment: Amendment): Promise<Amended> {
  const { rows } = writing
  const { alertId, node, place } = amendment
  if (place.isPending) return nothing
  const row = await rows
    .selectFrom('alerts')
    .select('body')
    .where('id', '=', alertId)
    .where('node', '=', node)
    .where('pending_until_ms', '>', writing.nowMs)
    .executeTakeFirst()
  if (row === undefined) return nothing
  const before: Alert = JSON.parse(row.body)
  if (before.place?.cgroupId !== place.cgroupId) return nothing
  const alert: Alert = { ...before, place, outputFields: completed(before, amendment) }
  await rows
    .updateTable('alerts')
    .set({ body: JSON.stringify(alert), pending_until_ms: null })
    .where('id', '=', alertId)
    .execute()
  if (amendment.isRetracted) {
    await ignored(writing, alert, 'retracted')
    return nothing
  }
  const { cases, steps, problem } = await judgeAlert(writing, judge, alert)
  const { containerId, pod } = place
  await writing.audit({
    kind: problem === undefined ? 'alert_amended' : 'alert_unjudged',
    subject: alertId,
    body: { node, containerId, pod: pod?.uid ?? null, cases, problem },
  })
  return { steps, unjudged: problem === undefined ? [] : [problem] }
}

/** Only what was not known is filled in: what the first word said of the event stays as it was. */
function completed({ outputFields }: Alert, amendment: Amendment): Alert['outputFields'] {
  const added = Object.entries(amendment.outputFields).filter(
    ([name]) => (outputFields[name] ?? null) === null,
  )
  return { ...outputFields, ...Object.fromEntries(added) }
}

/** Ends what nobody amended in time: no action runs on what may be anything. */
export async function endPending(ledger: Ledger): Promise<void> {
  for (;;) {
    const overdue = await ledger.rows
      .selectFrom('alerts')
      .select('id')
      .where('pending_until_ms', '<=', ledger.clock.nowMs())
      .limit(chunkSize)
      .execute()
    if (overdue.length > 0)
      await ledger.write(async (writing) => {
        for (const { id } of overdue) await endOne(writing, id)
      })
    if (overdue.length < chunkSize) return
  }
}

async function endOne(writing: Writing, id: string): Promise<void> {
  const row = await writing.rows
    .updateTable('alerts')
    .set({ pending_until_ms: null })
    .where('id', '=', id)
    .where('pending_until_ms', 'is not', null)
    .returning(['id', 'node', 'rule'])
    .executeTakeFirst()
  if (row !== undefined) await ignored(writing, row, 'identity_pending')
}

const details = {
  identity_pending: 'the node did not say in time what container it is about',
  retracted: 'its rule does not hold with what the node has learnt of the container since',
} as const

const ignored = (
  { audit }: Writing,
  { id, node, rule }: Pick<Alert, 'id' | 'node' | 'rule'>,
  code: keyof typeof details,
) =>
  audit({
    kind: 'alert_ignored',
    subject: id,
    body: { node, rule, status: 'ignored', code, detail: details[code] },
  })
