import { afterEach, beforeEach, expect, test } from '@jest/globals'
import { existsSync, mkdtempSync, rmSync, utimesSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { listAudit } from '../ledger/audit.ts'
import { openLedger, type Ledger } from '../ledger/open.ts'
import { Custody } from './custody.ts'
import { localStore } from './local.ts'
import type { EvidenceStore } from './store.ts'
import { sweepEvidence } from './sweep.ts'

let directory = ''
let ledger: Ledger
let store: EvidenceStore
beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'riposte-sweep-'))
  ledger = await openLedger({ file: join(directory, 'ledger.db') })
  store = localStore(join(directory, 'evidence'))
})
afterEach(async () => {
  await ledger[Symbol.asyncDispose]()
  rmSync(directory, { recursive: true })
})

/** Kept so many days ago. */
async function keepOf(caseId: string, days: number): Promise<string> {
  const owner = {
    stepId: `s-${caseId}`,
    caseId,
    alertId: 'a',
    action: 'get_logs',
    target: { kind: 'pod', uid: 'u', name: 'p', node: 'n', namespace: null },
  } as const
  const custody = new Custody(store, ledger, 1 << 20)
  await custody.of(owner, new AbortController().signal).put('a.log', 'x')
  const manifest = join(directory, 'evidence', caseId, owner.stepId, 'manifest.json')
  const at = Date.now() / 1000 - days * 86_400
  utimesSync(manifest, at, at)
  return dirname(dirname(manifest))
}

const caseRow = (id: string, days: number) =>
  ledger.rows
    .insertInto('cases')
    .values({
      id,
      policy: 'p',
      key: id,
      target: '{}',
      count: 1,
      priority: 'Warning',
      rules: '[]',
      first_ms: 0,
      last_ms: ledger.clock.nowMs() - days * 86_400_000,
      last_alert_id: 'a',
      is_stale: 0,
    })
    .execute()

test('old evidence goes, what is young or of a live case stays, and the audit says what went', async () => {
  const old = await keepOf('old', 100)
  const young = await keepOf('young', 80)
  const live = await keepOf('live', 100)
  await caseRow('old', 100)
  await caseRow('live', 1)

  await sweepEvidence(store, ledger, 90)

  expect([existsSync(old), existsSync(young), existsSync(live)]).toEqual([false, true, true])
  const records = await listAudit(ledger, { limit: 100 })
  expect(records.filter(({ kind }) => kind === 'evidence_removed')).toMatchObject([
    { subject: 'old', body: { retainDays: 90 } },
  ])
})

test('a containment that is live keeps its evidence, however old', async () => {
  const contained = await keepOf('contained', 100)
  await caseRow('contained', 100)
  await ledger.rows
    .insertInto('containments')
    .values({
      id: 'c',
      case_id: 'contained',
      policy: 'p',
      action: 'isolate_pod',
      target: '{}',
      effect: '{}',
      detail: '',
      status: 'live',
      started_ms: 0,
      expires_ms: null,
      on_expiry: 'keep',
      ended_ms: null,
      undo_round: 0,
    })
    .execute()
  await sweepEvidence(store, ledger, 90)
  expect(existsSync(contained)).toBe(true)
})
