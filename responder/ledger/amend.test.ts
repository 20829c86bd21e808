import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { alertOf, draft, targetOf } from '../../e2e/drafts.ts'
import { ledgerHomes, type LedgerHome } from '../../e2e/ledgers.ts'
import type { Alert, Amendment } from '../../contract/alert.ts'
import type { Judge } from '../case.ts'
import { findAlert, listAlerts } from './alerts.ts'
import { endPending, takeAmendments } from './amend.ts'
import { listAudit } from './audit.ts'
import { identityWaitMs, takeAlerts } from './intake.ts'
import { openLedger } from './open.ts'
import { listSteps } from './steps.ts'

const bounds = { liveSteps: 100, freeBytes: 0, directory: null }
const judge: Judge = {
  correlate: (alert) => [
    { policy: 'p', key: targetOf(alert).uid, target: targetOf(alert), windowMs: 60_000 },
  ],
  plan: (alert, found) => [draft(alert, found)],
}

const place = {
  cgroupId: '77',
  containerId: null,
  container: null,
  pod: null,
  isPending: true,
} as const
const pod = {
  uid: 'u-1',
  namespace: 'shop',
  name: 'web-0',
  serviceAccount: 'default',
  priorityClass: null,
  isHostNetwork: false,
  labels: {},
  annotations: {},
  owners: [],
}
const pendingAlert = (pid: number) =>
  alertOf(pid, { place, outputFields: { 'proc.name': 'cat', 'container.id': null } })
const amendmentOf = (alert: Alert, changes: Partial<Amendment> = {}): Amendment => ({
  alertId: alert.id,
  node: alert.node,
  place: { ...place, containerId: '0123456789ab', pod, isPending: false },
  outputFields: { 'container.id': '0123456789ab', 'proc.name': 'forged', 'k8s.pod.name': 'web-0' },
  isRetracted: false,
  ...changes,
})

/** A clock that a test turns on. */
const machineAt = (time: { ms: number }) => ({
  bootId: () => 'b',
  uptimeMs: () => time.ms,
  wallMs: () => 0,
})

const openWith = async (home: LedgerHome, ...alerts: readonly Alert[]) => {
  const time = { ms: 1_000_000 }
  const ledger = await openLedger(await home.fresh(), machineAt(time))
  const taken = await takeAlerts(ledger, judge, bounds, alerts)
  const amend = (amendment: Amendment) => takeAmendments(ledger, judge, bounds, [amendment])
  const kinds = async () =>
    (await listAudit(ledger, { limit: 20 })).map(({ kind }) => kind).toReversed()
  return { ledger, time, taken, amend, kinds }
}

for (const home of ledgerHomes()) {
  const suite = home.missing === null ? describe : describe.skip
  suite(home.title, () => {
    beforeAll(() => home.start(), 60_000)
    afterAll(async () => home[Symbol.asyncDispose]())

    test('a pending alert is durable but leads to no step until its amendment comes', async () => {
      const alert = pendingAlert(7)
      const { ledger, taken, amend, kinds } = await openWith(home, alert)
      await using _ = ledger
      expect(taken).toMatchObject({ accepted: 1, steps: [] })
      expect(await listSteps(ledger, { limit: 9 })).toEqual([])
      const { steps } = await amend(amendmentOf(alert))
      expect(steps).toHaveLength(1)
      expect((await findAlert(ledger, alert.id)).place).toMatchObject({ isPending: false, pod })
      const [stored] = await listAlerts(ledger, 1)
      expect(stored).toMatchObject({ pendingUntilMs: null, cases: [steps[0]?.caseId] })
      expect(await kinds()).toContain('alert_amended')
    })

    test('an amendment fills in what was missing and changes nothing that was said', async () => {
      const alert = pendingAlert(7)
      const { ledger, amend } = await openWith(home, alert)
      await using _ = ledger
      await amend(amendmentOf(alert))
      expect((await findAlert(ledger, alert.id)).outputFields).toEqual({
        'proc.name': 'cat',
        'container.id': '0123456789ab',
        'k8s.pod.name': 'web-0',
      })
    })

    test('an alert whose rule does not hold with what is known now leads to no step', async () => {
      const alert = pendingAlert(7)
      const { ledger, amend, kinds } = await openWith(home, alert)
      await using _ = ledger
      expect((await amend(amendmentOf(alert, { isRetracted: true }))).steps).toEqual([])
      expect((await findAlert(ledger, alert.id)).place).toMatchObject({ isPending: false, pod })
      const [record] = await listAudit(ledger, { limit: 1 })
      expect(record).toMatchObject({ kind: 'alert_ignored', body: { code: 'retracted' } })
      expect((await amend(amendmentOf(alert))).steps).toEqual([])
      expect(await kinds()).not.toContain('alert_amended')
    })

    test('a second amendment, and one of an alert that was never pending, change nothing', async () => {
      const alert = pendingAlert(7)
      const known = alertOf(8)
      const { ledger, amend } = await openWith(home, alert, known)
      await using _ = ledger
      await amend(amendmentOf(alert))
      const other = { ...place, containerId: 'ffffffffffff', isPending: false }
      expect((await amend(amendmentOf(alert, { place: other }))).steps).toEqual([])
      expect((await amend(amendmentOf(known, { place: other }))).steps).toEqual([])
      expect((await findAlert(ledger, alert.id)).place?.containerId).toBe('0123456789ab')
      expect((await findAlert(ledger, known.id)).place).toEqual(known.place)
    })

    test('another node, another cgroup, a place that is still pending, and an unknown alert amend nothing', async () => {
      const alert = pendingAlert(7)
      const { ledger, amend } = await openWith(home, alert)
      await using _ = ledger
      const full = amendmentOf(alert)
      await amend({ ...full, node: 'node-b' })
      await amend({ ...full, place: { ...full.place, cgroupId: '78' } })
      await amend({ ...full, place })
      await amend({ ...full, alertId: 'f'.repeat(32) })
      expect(await findAlert(ledger, alert.id)).toEqual(alert)
      expect((await amend(full)).steps).toHaveLength(1)
    })

    test('I1 a pending alert that nobody amends ends as ignored, and stays so', async () => {
      const alerts = Array.from({ length: 120 }, (_, index) => pendingAlert(index + 10))
      const { ledger, time, amend, kinds } = await openWith(home, ...alerts)
      await using _ = ledger
      const [alert = pendingAlert(1)] = alerts
      time.ms += identityWaitMs - 1000
      await endPending(ledger)
      expect(await kinds()).not.toContain('alert_ignored')
      time.ms += 1001
      expect((await amend(amendmentOf(alert))).steps).toEqual([])
      await endPending(ledger)
      await endPending(ledger)
      const records = await listAudit(ledger, { limit: 1000 })
      expect(records.filter(({ kind }) => kind === 'alert_ignored')).toHaveLength(120)
      expect(records[0]?.body).toMatchObject({ status: 'ignored', code: 'identity_pending' })
      expect((await amend(amendmentOf(alert))).steps).toEqual([])
    })
  })
}
