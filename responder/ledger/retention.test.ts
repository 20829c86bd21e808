import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { alertOf, draft, targetOf } from '../../e2e/drafts.ts'
import { ledgerHomes, type LedgerHome } from '../../e2e/ledgers.ts'
import type { Judge } from '../case.ts'
import type { Outcome } from '../outcome.ts'
import type { StepDraft } from '../step.ts'
import { verifyAudit } from './audit.ts'
import { takeAlerts } from './intake.ts'
import { openLedger, type Ledger } from './open.ts'
import { prune, type Retention } from './retention.ts'

const day = 86_400_000
const retention: Retention = {
  keepMs: 10 * day,
  alerts: 1000,
  cases: 1000,
  auditRecords: 100,
  archiveBytes: 10 << 20,
}
const always = () => false
const noBounds = { liveSteps: 10_000, freeBytes: 0, directory: null }
const suppressed: Outcome = { status: 'suppressed', code: 'mode', detail: 'not now' }

const judgeOf = (changes: Partial<StepDraft>): Judge => ({
  correlate: (alert) => [
    { policy: 'p', key: targetOf(alert).uid, target: targetOf(alert), windowMs: 60_000 },
  ],
  plan: (alert, found) => [draft(alert, found, changes)],
})

/** A ledger whose days pass as the test says. */
async function ledgerIn(home: LedgerHome) {
  let uptimeMs = 1
  const ledger = await openLedger(await home.fresh(), {
    bootId: () => 'boot',
    uptimeMs: () => uptimeMs,
    wallMs: () => 1_700_000_000_000,
  })
  return { ledger, pass: (ms: number) => void (uptimeMs += ms) }
}

const note = (ledger: Ledger, count: number) =>
  ledger.write(async ({ audit }) => {
    for (let index = 0; index < count; index++)
      await audit({ kind: 'noted', subject: `n${index}`, body: { text: 'x'.repeat(200) } })
  })

const countOf = async ({ rows }: Ledger, table: 'alerts' | 'cases' | 'steps' | 'audit') =>
  (
    await rows
      .selectFrom(table)
      .select((eb) => eb.fn.countAll<number>().as('count'))
      .executeTakeFirstOrThrow()
  ).count

for (const home of ledgerHomes()) {
  const suite = home.missing === null ? describe : describe.skip
  suite(`I8 what is kept, ${home.title}`, () => {
    beforeAll(() => home.start(), 60_000)
    afterAll(async () => home[Symbol.asyncDispose]())

    test('old cases go with their steps and alerts; what is live, or young, stays', async () => {
      const { ledger, pass } = await ledgerIn(home)
      await using _ = ledger
      await takeAlerts(ledger, judgeOf({ recorded: suppressed }), noBounds, [
        alertOf(1),
        alertOf(2),
      ])
      await takeAlerts(ledger, judgeOf({}), noBounds, [alertOf(3)])
      pass(11 * day)
      await takeAlerts(ledger, judgeOf({ recorded: suppressed }), noBounds, [alertOf(4)])
      await prune(ledger, retention, always)
      expect(await countOf(ledger, 'alerts')).toBe(2)
      const steps = await ledger.rows
        .selectFrom('steps')
        .select('target_uid')
        .orderBy('created_ms')
        .execute()
      expect(steps.map(({ target_uid: uid }) => uid.split('/')[1])).toEqual(['3', '4'])
    })

    test('a case whose containment is live stays, however old', async () => {
      const { ledger, pass } = await ledgerIn(home)
      await using _ = ledger
      const judge = judgeOf({ recorded: suppressed })
      const { steps } = await takeAlerts(ledger, judge, noBounds, [alertOf(1)])
      const [step] = steps
      await ledger.rows
        .insertInto('containments')
        .values({
          id: step?.id ?? '',
          case_id: step?.caseId ?? '',
          policy: 'p',
          action: 'block',
          target: '{}',
          effect: '{}',
          detail: '',
          status: 'live',
          started_ms: 1,
          expires_ms: null,
          on_expiry: 'keep',
          ended_ms: null,
          undo_round: 0,
        })
        .execute()
      pass(100 * day)
      await prune(ledger, retention, always)
      expect(await countOf(ledger, 'steps')).toBe(1)
      await ledger.rows.updateTable('containments').set({ status: 'undone' }).execute()
      await prune(ledger, retention, always)
      expect(await countOf(ledger, 'steps')).toBe(0)
      expect(await countOf(ledger, 'alerts')).toBe(0)
    })

    test('too many go early, the oldest first, but acts that limits count stay', async () => {
      const { ledger, pass } = await ledgerIn(home)
      await using _ = ledger
      const acted = { ...suppressed, status: 'done', effect: {} } as const
      await takeAlerts(ledger, judgeOf({ recorded: acted }), noBounds, [alertOf(1)])
      const rest = Array.from({ length: 30 }, (_one, index) => alertOf(10 + index))
      await takeAlerts(ledger, judgeOf({ recorded: suppressed }), noBounds, rest)
      pass(1000)
      const few = { ...retention, cases: 20, alerts: 20 }
      await prune(ledger, few, always)
      expect(await countOf(ledger, 'cases')).toBeLessThanOrEqual(20)
      const left = await ledger.rows.selectFrom('steps').select('target_uid').execute()
      expect(left.some(({ target_uid: uid }) => uid.split('/')[1] === '1')).toBe(true)
    })

    test('I7 the audit is packed, verifies as a whole, and a change in the packed part is found', async () => {
      const { ledger } = await ledgerIn(home)
      await using _ = ledger
      await note(ledger, 4500)
      await prune(ledger, retention, always)
      expect(await countOf(ledger, 'audit')).toBe(502)
      const whole = await verifyAudit(ledger, [])
      expect(whole).toMatchObject({ isIntact: true, records: 4502, beginsAt: 1 })
      const { from_seq: from } = await ledger.rows
        .selectFrom('audit_segments')
        .select('from_seq')
        .where('from_seq', '>', 1)
        .executeTakeFirstOrThrow()
      expect(from).toBe(2001)
      const second = ledger.rows.updateTable('audit_segments').where('from_seq', '=', from)
      await second.set({ body: 'eA==' }).execute()
      expect(await verifyAudit(ledger, [])).toMatchObject({ fault: 'missing', seq: 2001 })
      await ledger.rows.deleteFrom('audit_segments').execute()
      expect(await verifyAudit(ledger, [])).toMatchObject({ fault: 'missing', seq: 1 })
    }, 30_000)

    test('I7 what is dropped for its size is said by the chain, which verifies from there', async () => {
      const { ledger } = await ledgerIn(home)
      await using _ = ledger
      await note(ledger, 6500)
      await prune(ledger, { ...retention, archiveBytes: 1 }, always)
      expect(await verifyAudit(ledger, [])).toMatchObject({ isIntact: true, beginsAt: 4001 })
      await ledger.rows.deleteFrom('audit_segments').execute()
      expect(await verifyAudit(ledger, [])).toMatchObject({ fault: 'missing', seq: 4001 })
    }, 30_000)
  })
}

/** Why a small file system cannot be had here, or null. */
const noMount = process.getuid?.() === 0 ? null : 'needs root to mount a tmpfs'
const onTmpfs = noMount === null ? test : test.skip

onTmpfs(
  'I8 a full disk refuses alerts to be tried again, breaks nothing, and heals',
  async () => {
    const directory = mkdtempSync(join(tmpdir(), 'riposte-full-'))
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=4m', 'tmpfs', directory])
    try {
      writeFileSync(join(directory, 'ballast'), Buffer.alloc(1 << 20))
      await using ledger = await openLedger({ file: join(directory, 'ledger.db') })
      const judge = judgeOf({ recorded: suppressed })
      let taken = 0
      const fill = async () => {
        for (; taken < 100_000; taken += 50)
          await takeAlerts(
            ledger,
            judge,
            noBounds,
            Array.from({ length: 50 }, (_, index) => alertOf(taken + index + 1)),
          )
      }
      await expect(fill()).rejects.toMatchObject({ code: 'ledger_full', retryable: true })
      expect(taken).toBeGreaterThan(0)
      expect(await countOf(ledger, 'alerts')).toBe(taken)
      rmSync(join(directory, 'ballast'))
      await takeAlerts(ledger, judge, noBounds, [alertOf(1)])
      expect(await countOf(ledger, 'alerts')).toBe(taken + 1)
      expect(await verifyAudit(ledger, [])).toMatchObject({ isIntact: true })
    } finally {
      execFileSync('umount', [directory])
      rmSync(directory, { recursive: true })
    }
  },
  60_000,
)
