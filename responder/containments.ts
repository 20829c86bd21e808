/** What becomes of containments: undone by people or by time, or longer than that. */
import type { ContainmentStatus } from './containment.ts'
import { findContainment } from './ledger/effects.ts'
import type { Ledger } from './ledger/open.ts'
import { findStep, insertSteps } from './ledger/steps.ts'
import { undoIdOf, type Step, type StepDraft } from './step.ts'

export interface Person {
  readonly by: string
  readonly reason: string
}

export type UndoRequested =
  | { readonly kind: 'requested'; readonly step: Step }
  | { readonly kind: 'unknown' }
  | { readonly kind: 'not_live'; readonly status: ContainmentStatus }

/** What may be undone (again): a failed undo is not the end. */
const undoable: readonly ContainmentStatus[] = ['live', 'failed', 'conflict']

/** The undo is a step of its own, through the gates, in the audit. `person` is null when its time came. */
export const requestUndo = (
  ledger: Ledger,
  id: string,
  person: Person | null,
): Promise<UndoRequested> =>
  ledger.write(async (writing) => {
    const found = await findContainment(writing, id)
    if (found === undefined) return { kind: 'unknown' }
    const row = await writing.rows
      .updateTable('containments')
      .set((eb) => ({ status: 'undoing', undo_round: eb('undo_round', '+', 1) }))
      .where('id', '=', id)
      .where('status', 'in', undoable)
      .returningAll()
      .executeTakeFirst()
    if (row === undefined) return { kind: 'not_live', status: found.status }
    const done = await findStep(writing, id)
    if (done === undefined) return { kind: 'unknown' }
    const draft = undoDraft(done, row.undo_round)
    const requestedBy = person?.by ?? null
    const [step] = await insertSteps(writing, [{ draft, kind: 'undo', undoes: id, requestedBy }])
    if (step === undefined) throw new Error(`undo ${draft.id} exists already`)
    const lateMs = found.expiresMs === null ? 0 : Math.max(0, writing.nowMs - found.expiresMs)
    const body = {
      step: step.id,
      by: requestedBy,
      reason: person?.reason ?? 'its time is over',
      lateMs,
    }
    await writing.audit({ kind: 'undo_requested', subject: id, body })
    return { kind: 'requested', step }
  })

/** An undo is not limited by what limits acts, and is tried for a day: the effect is there until it works. */
function undoDraft(done: Step, round: number): StepDraft {
  const { id: _, kind: __, ...draft } = done
  return {
    ...draft,
    id: undoIdOf(done.id, round),
    mode: 'enforce',
    terms: {
      ...done.terms,
      deadlineMs: 24 * 3_600_000,
      attempts: 50,
      cooldownMs: 0,
      limits: [],
      fuse: null,
      breaker: null,
      approve: null,
      undo: null,
    },
    after: [],
    afterMs: 0,
    recorded: null,
  }
}

/** A live containment's time is over at `expiresMs` instead (null: never by itself). False: it is not live. */
export const extendContainment = (
  ledger: Ledger,
  id: string,
  expiresMs: number | null,
  person: Person,
): Promise<boolean> =>
  ledger.write(async (writing) => {
    const result = await writing.rows
      .updateTable('containments')
      .set({ expires_ms: expiresMs })
      .where('id', '=', id)
      .where('status', '=', 'live')
      .executeTakeFirst()
    if (result.numUpdatedRows === 0n) return false
    await writing.audit({ kind: 'extended', subject: id, body: { expiresMs, ...person } })
    return true
  })

/** Those whose time is over: to be reverted now, or kept and said so. Also what came due while nothing ran. */
export async function undoDue(ledger: Ledger): Promise<readonly Step[]> {
  const due = await ledger.rows
    .selectFrom('containments')
    .select(['id', 'on_expiry'])
    .where('status', '=', 'live')
    .where('expires_ms', '<=', ledger.clock.nowMs())
    .orderBy('expires_ms')
    .limit(100)
    .execute()
  const steps: Step[] = []
  for (const { id, on_expiry: onExpiry } of due) {
    if (onExpiry === 'keep') await keep(ledger, id)
    else {
      const requested = await requestUndo(ledger, id, null)
      if (requested.kind === 'requested') steps.push(requested.step)
    }
  }
  return steps
}

const keep = (ledger: Ledger, id: string) =>
  ledger.write(async (writing) => {
    await writing.rows
      .updateTable('containments')
      .set({ expires_ms: null })
      .where('id', '=', id)
      .where('status', '=', 'live')
      .execute()
    await writing.audit({ kind: 'kept', subject: id, body: { reason: 'its time is over' } })
  })
