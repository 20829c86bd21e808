import { tmpdir } from 'node:os'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { array, assert, asyncProperty, integer } from 'fast-check'
import { alertOf, draft, targetOf } from '../../e2e/drafts.ts'
import { ledgerHomes } from '../../e2e/ledgers.ts'
import type { Judge } from '../case.ts'
import { askAll } from '../gates/index.ts'
import type { Limit } from '../step.ts'
import { situationOf } from './facts.ts'
import { takeAlerts } from './intake.ts'
import { openLedger } from './open.ts'
import { listSteps } from './steps.ts'

const bounds = { liveSteps: 100, freeBytes: 0, directory: null }
const judgeOf = (limits: readonly Limit[] = []): Judge => ({
  correlate: (alert) => [
    { policy: 'p', key: targetOf(alert).uid, target: targetOf(alert), windowMs: 60_000 },
  ],
  plan(alert, found) {
    const one = draft(alert, found)
    return [{ ...one, terms: { ...one.terms, limits } }]
  },
})

for (const home of ledgerHomes()) {
  const suite = home.missing === null ? describe : describe.skip
  suite(home.title, () => {
    beforeAll(() => home.start(), 60_000)
    afterAll(async () => home[Symbol.asyncDispose]())

    test('alerts on one target are one case, counted, and lead to one step', async () => {
      await using ledger = await openLedger(await home.fresh())
      const alerts = [alertOf(7), alertOf(7, { rule: 'Other', priority: 'Critical' }), alertOf(8)]
      const taken = await takeAlerts(ledger, judgeOf(), bounds, alerts)
      const again = await takeAlerts(ledger, judgeOf(), bounds, alerts)
      expect(taken).toMatchObject({ accepted: 3, repeated: 0 })
      expect(again).toMatchObject({ accepted: 0, repeated: 3, steps: [] })
      const cases = await ledger.rows.selectFrom('cases').selectAll().orderBy('count').execute()
      expect(cases.map(({ count, priority }) => [count, priority])).toEqual([
        [1, 'Warning'],
        [2, 'Critical'],
      ])
      expect(await listSteps(ledger, { limit: 9 })).toHaveLength(2)
    })

    test('I8 intake is refused while too many steps wait, and the sender is told to try again', async () => {
      await using ledger = await openLedger(await home.fresh())
      const storm = Array.from({ length: 400 }, (_, index) => alertOf(5000 + index))
      const refused = takeAlerts(ledger, judgeOf(), bounds, storm)
      await expect(refused).rejects.toMatchObject({ code: 'ledger_full', retryable: true })
      const live = await listSteps(ledger, { isLive: true, limit: 1000 })
      expect(live).toHaveLength(100)
    })

    test('I8 a storm of alerts on one target leaves one step', async () => {
      await using ledger = await openLedger(await home.fresh())
      const storm = Array.from({ length: 500 }, () => alertOf(7))
      expect(await takeAlerts(ledger, judgeOf(), bounds, storm)).toMatchObject({ accepted: 500 })
      expect(await listSteps(ledger, { limit: 9 })).toHaveLength(1)
    })
  })
}

test('I8 intake is refused before the disk is full', async () => {
  const [home] = ledgerHomes()
  await using ledger = await openLedger((await home?.fresh()) ?? { file: '' })
  const full = { ...bounds, directory: tmpdir(), freeBytes: Number.MAX_SAFE_INTEGER }
  await expect(takeAlerts(ledger, judgeOf(), full, [alertOf(7)])).rejects.toMatchObject({
    code: 'ledger_full',
  })
  await home?.[Symbol.asyncDispose]()
})

test('I6 whatever comes when, no window holds more acts than its limit', async () => {
  const [home] = ledgerHomes()
  const arrivals = array(integer({ min: 0, max: 400 }), { minLength: 5, maxLength: 30 })
  await assert(
    asyncProperty(arrivals, integer({ min: 1, max: 4 }), async (given, max) => {
      const machine = { bootId: () => 'b', uptimeMs: () => time, wallMs: () => 0 }
      let time = 1_000_000
      const limit = {
        origin: 'policy p',
        scope: 'global',
        isPolicyOnly: true,
        classes: ['disrupt'],
        max,
        perMs: 1000,
      } as const
      await using ledger = await openLedger((await home?.fresh()) ?? { file: '' }, machine)
      const acted: number[] = []
      for (const [index, pauseMs] of given.entries()) {
        time += pauseMs
        const { steps } = await takeAlerts(ledger, judgeOf([limit]), bounds, [alertOf(index + 1)])
        for (const step of steps)
          await ledger.write(async (writing) => {
            const planned = { kind: 'change', detail: 'stop it', effect: {} } as const
            const surroundings = {
              killSwitchFile: () => null,
              enabledActions: null,
              protected: [],
              modeOf: () => 'enforce' as const,
            }
            const situation = await situationOf(writing, step, alertOf(1), planned, surroundings)
            if (askAll(situation).stopped !== null) return
            await writing.rows
              .updateTable('steps')
              .set({ acted_ms: writing.nowMs })
              .where('id', '=', step.id)
              .execute()
            acted.push(writing.nowMs)
          })
      }
      const fullest = Math.max(
        0,
        ...acted.map((end) => acted.filter((at) => at > end - 1000 && at <= end).length),
      )
      expect(fullest).toBeLessThanOrEqual(max)
    }),
    { numRuns: 40 },
  )
  await home?.[Symbol.asyncDispose]()
}, 60_000)
