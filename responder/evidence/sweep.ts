/** What is old leaves a local store, and the audit says so; never what a live case has. */
import type { Ledger } from '../ledger/open.ts'
import type { EvidenceStore } from './store.ts'

const dayMs = 86_400_000
/** Cases a round: the rest goes with the next one. */
const atOnce = 100

/** Of cases that are over, or that the ledger has forgotten, and that kept nothing within `retainDays`. */
export async function sweepEvidence(
  store: Pick<EvidenceStore, 'list' | 'removeCase'>,
  ledger: Ledger,
  retainDays: number,
): Promise<void> {
  const { removeCase } = store
  if (removeCase === null) return
  const beforeMs = ledger.clock.nowMs() - retainDays * dayMs
  const newest = new Map<string, number>()
  for (const { caseId, atMs } of await store.list())
    newest.set(caseId, Math.max(atMs, newest.get(caseId) ?? 0))
  const old = [...newest].flatMap(([caseId, atMs]) => (atMs < beforeMs ? [caseId] : []))
  for (const caseId of old.slice(-atOnce)) {
    if (await isLive(ledger, caseId, beforeMs)) continue
    await ledger.write((writing) =>
      writing.audit({ kind: 'evidence_removed', subject: caseId, body: { retainDays } }),
    )
    await removeCase(caseId)
  }
}

async function isLive({ rows }: Ledger, caseId: string, beforeMs: number): Promise<boolean> {
  const recent = await rows
    .selectFrom('cases')
    .select('id')
    .where('id', '=', caseId)
    .where('last_ms', '>=', beforeMs)
    .executeTakeFirst()
  const step = await rows
    .selectFrom('steps')
    .select('id')
    .where('case_id', '=', caseId)
    .where('status', '<>', 'ended')
    .executeTakeFirst()
  const containment = await rows
    .selectFrom('containments')
    .select('id')
    .where('case_id', '=', caseId)
    .where('status', 'not in', ['undone', 'gone'])
    .executeTakeFirst()
  return recent !== undefined || step !== undefined || containment !== undefined
}
