import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals'
import { alertOf, approve, draft, terms, targetOf } from '../e2e/drafts.ts'
import { eventually, startEstate, type Estate, type EstateOptions } from '../e2e/estate.ts'
import { ledgerHomes } from '../e2e/ledgers.ts'
import { z } from 'zod'
import { action } from './actions/action.ts'
import { verifyAudit } from './ledger/audit.ts'
import type { Case } from './case.ts'
import type { Alert } from '../contract/alert.ts'
import type { StepDraft } from './step.ts'

for (const home of ledgerHomes()) {
  const suite = home.missing === null ? describe : describe.skip
  suite(home.title, () => {
    const estates: Estate[] = []
    beforeAll(() => home.start(), 60_000)
    afterEach(async () => {
      for (const estate of estates.splice(0)) {
        const audit = await verifyAudit(estate.ledger, [])
        await estate[Symbol.asyncDispose]()
        expect(audit).toMatchObject({ isIntact: true })
      }
    })
    afterAll(async () => home[Symbol.asyncDispose]())

    const estateOf = async (
      changes: Partial<StepDraft> | EstateOptions['plan'],
      options: Partial<EstateOptions> = {},
    ) => {
      const plan =
        typeof changes === 'function'
          ? changes
          : (alert: Alert, found: Case) => [draft(alert, found, changes)]
      const estate = await startEstate({ plan, address: await home.fresh(), ...options })
      estates.push(estate)
      return estate
    }

    test('an alert ends in one effect, seen to hold, with its intent recorded before it', async () => {
      const estate = await estateOf({})
      const [step] = await estate.respond(alertOf(7))
      expect(step).toMatchObject({
        status: 'ended',
        outcome: { status: 'done', code: 'verified', detail: 'stopped cat (7) on node-a' },
      })
      expect(estate.world.effects()).toEqual(['stop'])
      const audit = await estate.ledger.rows
        .selectFrom('audit')
        .select('kind')
        .where('subject', '=', step?.id ?? '')
        .orderBy('seq')
        .execute()
      expect(audit.map(({ kind }) => kind)).toEqual(['planned', 'intent', 'outcome'])
    })

    test('I2 an alert that comes again is a no-op, and so is planning its step again', async () => {
      const estate = await estateOf({})
      const alert = alertOf(7)
      await estate.respond(alert)
      const repeated = await estate.core.takeAlerts([alert])
      const steps = await estate.respond(alertOf(7))
      expect(repeated).toMatchObject({ accepted: 0, repeated: 1 })
      expect(steps).toHaveLength(1)
      expect(estate.world.effects()).toEqual(['stop'])
    })

    test('a plan hears whether the act follows at once: not in audit, nor where people are asked', async () => {
      const told: unknown[] = []
      const look = action({
        name: 'look',
        summary: 'Looks.',
        risk: 'contain',
        target: 'process',
        parameters: z.strictObject({}),
        capabilities: [],
        rbac: [],
        undoes: null,
        plan({ willAct }) {
          told.push(willAct)
          return Promise.resolve({ kind: 'already_done', detail: 'seen' })
        },
        run: () => Promise.reject(new Error('there is nothing to do')),
      })
      let mode: 'audit' | 'enforce' = 'enforce'
      const estate = await estateOf(
        (alert, found) => [
          draft(alert, found, {
            action: 'look',
            ...(alert.priority === 'Emergency' ? { terms: terms({ approve: approve() }) } : {}),
          }),
        ],
        { policyMode: () => mode, parts: { actions: [look] } },
      )
      await estate.respond(alertOf(7))
      await estate.respond(alertOf(8, { priority: 'Emergency' }))
      mode = 'audit'
      await estate.respond(alertOf(9))
      expect(told).toEqual([true, false, false])
    })

    test('audit asks every gate and the plan, and stops before the act', async () => {
      const estate = await estateOf(
        { terms: terms({ approve: approve({ quorum: 2, from: ['group:secops'] }) }) },
        { policyMode: () => 'audit' },
      )
      const [step] = await estate.respond(alertOf(7))
      expect(step?.outcome).toMatchObject({ status: 'would', detail: 'stop cat (7) on node-a' })
      const gates = step?.outcome?.status === 'would' ? step.outcome.gates : []
      expect(gates.map(({ gate }) => gate)).toEqual([
        'kill_switch',
        'enabled',
        'guard',
        'mode',
        'target',
        'cooldown',
        'limits',
        'fuse',
        'breaker',
        'approval',
        'lock',
      ])
      expect(gates.find(({ gate }) => gate === 'approval')?.reason).toBe(
        'would ask for 2 of group:secops to approve',
      )
      expect(estate.world.journal()).toEqual([])
    })

    test('people are told in audit too', async () => {
      const estate = await estateOf(
        { action: 'tell', risk: 'notify', lane: 'notify' },
        { policyMode: () => 'audit' },
      )
      await estate.respond(alertOf(7))
      expect(estate.world.effects()).toEqual(['tell'])
    })

    test('I3 a target that is another by now is left alone', async () => {
      const estate = await estateOf({})
      const alert = alertOf(7)
      estate.world.make('gone', alert)
      const [step] = await estate.respond(alert)
      expect(step?.outcome).toEqual({
        status: 'ignored',
        code: 'target_gone',
        detail: 'cat (7) on node-a is gone',
      })
      expect(estate.world.journal()).toEqual([])
    })

    test('what is retryable is tried again, what is not is not', async () => {
      const estate = await estateOf((alert, found) => [
        draft(alert, found, { action: 'flaky', parameters: { failures: 2 } }),
      ])
      const [step] = await estate.respond(alertOf(7))
      expect(step?.outcome).toMatchObject({ status: 'done' })
      expect(estate.world.effects()).toEqual(['try', 'try', 'try'])

      const changed = await estateOf({ action: 'flaky', parameters: { conflicts: 1 } })
      const [overtaken] = await changed.respond(alertOf(812))
      expect(overtaken?.outcome).toMatchObject({ status: 'done' })
      expect(changed.world.effects()).toEqual(['try', 'try'])
      const final = await estateOf({ action: 'flaky', parameters: { failures: 1, isFinal: true } })
      const [failed] = await final.respond(alertOf(8))
      expect(failed?.outcome).toMatchObject({ status: 'failed', code: 'failed' })
      expect(final.world.effects()).toEqual(['try'])
      const hopeless = await estateOf({ action: 'flaky', parameters: { failures: 9 } })
      const [given] = await hopeless.respond(alertOf(9))
      expect(given?.outcome).toMatchObject({ status: 'failed' })
      expect(hopeless.world.effects()).toEqual(['try', 'try', 'try'])
    })

    test('I5 an act that lasts past its deadline is stopped, and one that comes late does not begin', async () => {
      const estate = await estateOf({
        action: 'slow',
        terms: terms({ deadlineMs: 300, timeoutMs: 60_000 }),
      })
      const [step] = await estate.respond(alertOf(7))
      expect(step?.outcome).toMatchObject({ status: 'failed', code: 'timeout' })
      expect(estate.world.effects()).toEqual(['begin'])

      const late = await estateOf({ terms: terms({ deadlineMs: 0 }) })
      const [expired] = await late.respond(alertOf(8))
      expect(expired?.outcome).toMatchObject({ status: 'expired', code: 'deadline' })
      expect(late.world.journal()).toEqual([])
    })

    test('I6 a limit holds when many steps come at once', async () => {
      const limit = {
        origin: 'policy p',
        scope: 'node',
        isPolicyOnly: true,
        classes: ['disrupt'],
        max: 3,
        perMs: 60_000,
      } as const
      const estate = await estateOf({ terms: terms({ limits: [limit] }) })
      const steps = await estate.respond(
        ...Array.from({ length: 12 }, (_, index) => alertOf(100 + index)),
      )
      expect(estate.world.effects()).toEqual(['stop', 'stop', 'stop'])
      expect(steps.filter(({ outcome }) => outcome?.code === 'limits')).toHaveLength(9)
    })

    test.each(['namespace', 'workload'] as const)(
      'I6 a limit on a %s counts what was done in it, and only there',
      async (scope) => {
        const limit = {
          origin: 'policy p',
          scope,
          isPolicyOnly: true,
          classes: ['disrupt'],
          max: 1,
          perMs: 60_000,
        } as const
        const estate = await estateOf((alert, found) => {
          const name = (alert.process?.pid ?? 0) < 10 ? 'shop' : 'bank'
          const target = { ...targetOf(alert), namespace: name }
          const workload = `Deployment/${name}/web`
          return [draft(alert, found, { target, workload, terms: terms({ limits: [limit] }) })]
        })
        const outcomes = []
        for (const pid of [1, 2, 11]) outcomes.push(...(await estate.respond(alertOf(pid))))
        const codes = [...new Map(outcomes.map((step) => [step.target.uid, step])).values()].map(
          ({ outcome }) => outcome?.code,
        )
        expect(codes).toEqual(['verified', 'limits', 'verified'])
      },
    )

    test('a fuse opens the policy until a person closes it', async () => {
      const estate = await estateOf({ terms: terms({ fuse: { max: 2, perMs: 60_000 } }) })
      for (const pid of [1001, 1002, 1003, 1004]) await estate.respond(alertOf(pid))
      const steps = await estate.respond()
      expect(steps.map(({ outcome }) => [outcome?.status, outcome?.code])).toEqual([
        ['done', 'verified'],
        ['done', 'verified'],
        ['suppressed', 'fuse'],
        ['would', 'audit'],
      ])
      await eventually(() =>
        estate.core.degraded().some((text) => text.startsWith('policy p is in audit')),
      )
      expect(await estate.core.resetTrip('p', { by: 'ann', reason: 'it was a test' })).toBe(true)
      await estate.respond(alertOf(1005))
      expect(estate.world.effects()).toEqual(['stop', 'stop', 'stop'])
    })

    test('failures open the breaker', async () => {
      const estate = await estateOf({
        action: 'flaky',
        parameters: { failures: 9, isFinal: true },
        terms: terms({ breaker: { failures: 2, perMs: 60_000 } }),
      })
      for (const pid of [1, 2, 3]) await estate.respond(alertOf(pid))
      const steps = await estate.respond()
      expect(steps.map(({ outcome }) => outcome?.status)).toEqual(['failed', 'failed', 'would'])
    })

    test('the same action on the same target is not repeated within the cooldown', async () => {
      const estate = await estateOf((alert, found) =>
        ['one', 'two'].map((rung) =>
          draft(alert, found, { action: 'block', rung, terms: terms({ cooldownMs: 60_000 }) }),
        ),
      )
      const steps = await estate.respond(alertOf(7))
      expect(new Set(steps.map(({ outcome }) => outcome?.code))).toEqual(
        new Set(['cooldown', 'done']),
      )
      expect(estate.world.effects()).toEqual(['block'])
    })

    test('a later rung begins when the one it waits for has ended, or has had its time', async () => {
      const estate = await estateOf((alert, found) => {
        const first = draft(alert, found, {
          action: 'slow',
          rung: 'first',
          lane: 'contain',
          risk: 'observe',
        })
        return [first, draft(alert, found, { rung: 'second', after: [first.id], afterMs: 60_000 })]
      })
      await estate.core.takeAlerts([alertOf(7)])
      await eventually(() => estate.world.effects().includes('begin'))
      expect(estate.world.effects()).toEqual(['begin'])
      estate.world.release()
      await eventually(() => estate.world.effects().includes('stop'))
      expect(estate.world.effects()).toEqual(['begin', 'slow', 'stop'])
    })

    test('a change of a target waits for the lock on it; a strike does not', async () => {
      const estate = await estateOf((alert, found) => {
        const slow = { action: 'slow', lane: 'contain', risk: 'contain' } as const
        const [first, second] = ['first', 'second'].map((rung) =>
          draft(alert, found, { ...slow, rung, after: [] }),
        )
        const strike = draft(alert, found, { rung: 'strike' })
        return [first, second, strike].filter((one) => one !== undefined)
      })
      await estate.core.takeAlerts([alertOf(7)])
      await eventually(() => estate.world.effects().length === 2)
      expect(new Set(estate.world.effects())).toEqual(new Set(['begin', 'stop']))
      estate.world.release()
      await estate.core.idle()
      const done = estate.world.effects().filter((effect) => effect !== 'stop')
      expect(done).toEqual(['begin', 'slow', 'begin', 'slow'])
    })

    test('I1 when a step has ended the policy is asked again what follows', async () => {
      const estate = await estateOf((alert, found, steps) => {
        const isDone = steps.some(
          ({ rung, outcome }) => rung === 'first' && outcome?.status === 'done',
        )
        const first = draft(alert, found, {
          action: 'block',
          rung: 'first',
          lane: 'contain',
          risk: 'contain',
        })
        return isDone ? [first, draft(alert, found, { rung: 'second' })] : [first]
      })
      await estate.respond(alertOf(7))
      await eventually(() => estate.world.effects().includes('stop'))
      expect(estate.world.effects()).toEqual(['block', 'stop'])
    })

    test('a policy that throws keeps no alert from being taken, and shows as degraded', async () => {
      const estate = await estateOf(() => {
        throw new Error('no such thing')
      })
      await estate.respond(alertOf(7))
      await eventually(() => estate.core.degraded().some((text) => text.includes('no such thing')))
      const { count } = await estate.ledger.rows
        .selectFrom('alerts')
        .select((eb) => eb.fn.countAll<number>().as('count'))
        .executeTakeFirstOrThrow()
      expect(count).toBe(1)
    })
  })
}
