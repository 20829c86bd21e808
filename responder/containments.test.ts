import { afterEach, expect, test } from '@jest/globals'
import { alertOf, draft, terms } from '../e2e/drafts.ts'
import { eventually, startEstate, type Estate } from '../e2e/estate.ts'
import { listContainments } from './ledger/effects.ts'
import { listSteps } from './ledger/steps.ts'
import type { Terms } from './step.ts'

const estates: Estate[] = []
afterEach(async () => {
  for (const estate of estates.splice(0)) await estate[Symbol.asyncDispose]()
})
const ann = { by: 'ann', reason: 'enough' }

/** An estate in which one process is blocked. */
async function blocked(undo: Terms['undo']) {
  const estate = await startEstate({
    plan: (alert, found) => [
      draft(alert, found, {
        action: 'block',
        risk: 'contain',
        lane: 'contain',
        terms: terms({ undo }),
      }),
    ],
  })
  estates.push(estate)
  const alert = alertOf(7)
  const [step] = await estate.respond(alert)
  const id = step?.id ?? ''
  const status = async () =>
    (await listContainments(estate.ledger, { isLive: false, limit: 9 })).find(
      (one) => one.id === id,
    )?.status
  return { estate, alert, id, status }
}

test('an effect is undone when its time is over, by a step in the audit', async () => {
  const { estate, alert, id, status } = await blocked({ ttlMs: 200, onExpiry: 'revert' })
  await eventually(async () => (await status()) === 'undone')
  expect(estate.world.effects()).toEqual(['block', 'unblock'])
  expect(estate.world.has('blocked', alert)).toBe(false)
  const undo = (await listSteps(estate.ledger, { limit: 9 })).find(({ kind }) => kind === 'undo')
  expect(undo).toMatchObject({
    undoes: id,
    requestedBy: null,
    outcome: { status: 'done', code: 'undone' },
  })
})

test('people undo it at once, once', async () => {
  const { estate, id, status } = await blocked({ ttlMs: 600_000, onExpiry: 'revert' })
  expect(await status()).toBe('live')
  const results = await Promise.all([estate.core.undo(id, ann), estate.core.undo(id, ann)])
  expect(results.map(({ kind }) => kind)).toEqual(['requested', 'not_live'])
  await eventually(async () => (await status()) === 'undone')
  expect(estate.world.effects()).toEqual(['block', 'unblock'])
})

test('its time can be extended, also to for ever', async () => {
  const { estate, id, status } = await blocked({ ttlMs: 400, onExpiry: 'revert' })
  expect(await estate.core.extend(id, null, ann)).toBe(true)
  expect(await listContainments(estate.ledger, { isLive: true, limit: 9 })).toMatchObject([
    { expiresMs: null },
  ])
  expect(await estate.core.extend(id, 1, ann)).toBe(true)
  await eventually(async () => (await status()) === 'undone')
  expect(await estate.core.extend(id, 1000, ann)).toBe(false)
})

test('what somebody changed since is left as it is, and said to be in conflict', async () => {
  const { estate, alert, id, status } = await blocked({ ttlMs: 600_000, onExpiry: 'revert' })
  estate.world.make('blocked', alert, 'by hand')
  await estate.core.undo(id, ann)
  await eventually(async () => (await status()) === 'conflict')
  const undo = (await listSteps(estate.ledger, { limit: 9 })).find(({ kind }) => kind === 'undo')
  expect(undo?.outcome).toMatchObject({ status: 'conflict', code: 'refused' })
  expect(estate.world.has('blocked', alert)).toBe(true)
  await eventually(() =>
    estate.core.degraded().includes('1 containments could not be undone in time'),
  )

  estate.world.make('blocked', alert, 'by riposte')
  expect(await estate.core.undo(id, ann)).toMatchObject({ kind: 'requested' })
  await eventually(async () => (await status()) === 'undone')
})

test('what is to be kept is kept when its time is over, and the audit says so', async () => {
  const { estate, id, status } = await blocked({ ttlMs: 50, onExpiry: 'keep' })
  const kept = () =>
    estate.ledger.rows
      .selectFrom('audit')
      .select('seq')
      .where('kind', '=', 'kept')
      .where('subject', '=', id)
      .execute()
  await eventually(async () => (await kept()).length === 1)
  expect(await status()).toBe('live')
  expect(estate.world.effects()).toEqual(['block'])
})

test('an undo that its time asked for waits for the kill switch, one by a person does not', async () => {
  const { estate, status } = await blocked({ ttlMs: 300, onExpiry: 'revert' })
  await estate.core.turnKillSwitch(true, ann)
  await eventually(async () => (await status()) === 'undoing')
  const claimed = async () =>
    (await listSteps(estate.ledger, { limit: 9 })).some(
      ({ kind, leaseGeneration }) => kind === 'undo' && leaseGeneration > 1,
    )
  await eventually(claimed)
  expect(estate.world.effects()).toEqual(['block'])
  await estate.core.turnKillSwitch(false, ann)
  await eventually(async () => (await status()) === 'undone')

  const other = await blocked({ ttlMs: 600_000, onExpiry: 'revert' })
  await other.estate.core.turnKillSwitch(true, ann)
  await other.estate.core.undo(other.id, ann)
  await eventually(async () => (await other.status()) === 'undone')
})
