import { afterEach, expect, test } from '@jest/globals'
import { alertOf, approve, draft, terms } from '../e2e/drafts.ts'
import { eventually, startEstate, type Estate } from '../e2e/estate.ts'
import type { Ballot } from './approvals.ts'
import { listApprovals } from './ledger/votes.ts'
import type { ApprovalTerms } from './step.ts'

const estates: Estate[] = []
afterEach(async () => {
  for (const estate of estates.splice(0)) await estate[Symbol.asyncDispose]()
})

/** An estate in which one step is held for approval. */
async function held(changes: Partial<ApprovalTerms> = {}) {
  const estate = await startEstate({
    plan: (alert, found) => [draft(alert, found, { terms: terms({ approve: approve(changes) }) })],
  })
  estates.push(estate)
  const alert = alertOf(7)
  const [step] = await estate.respond(alert)
  const [approval] = await listApprovals(estate.ledger, { limit: 1 })
  if (step === undefined || approval === undefined) throw new Error('nothing is held')
  const vote = (name: string, choice: Ballot['choice'], more: Partial<Ballot> = {}) =>
    estate.core.vote({
      approvalId: approval.id,
      voter: { name, groups: ['staff'] },
      choice,
      reason: '',
      channel: 'test',
      ...more,
    })
  const outcome = async () => (await estate.step(step.id)).outcome
  return { estate, alert, step, approval, vote, outcome }
}

test('I4 nothing happens until people approve; then it happens once', async () => {
  const { estate, approval, vote, outcome } = await held()
  expect(approval).toMatchObject({ status: 'pending', detail: 'stop cat (7) on node-a' })
  expect(estate.world.journal()).toEqual([])

  expect(await vote('ann', 'approve')).toMatchObject({ kind: 'approved' })
  await eventually(async () => (await outcome()) !== null)
  expect(await outcome()).toMatchObject({ status: 'done' })
  expect(await vote('bob', 'deny')).toMatchObject({
    kind: 'already_decided',
    message: 'approved by ann',
  })
  expect(estate.world.effects()).toEqual(['stop'])
})

test('a quorum counts different people, and one person once', async () => {
  const { estate, vote, outcome } = await held({ quorum: 2 })
  expect(await vote('ann', 'approve')).toMatchObject({
    kind: 'counted',
    message: '1 of 2 to approve',
  })
  expect(await vote('ann', 'approve')).toMatchObject({ kind: 'already_voted' })
  expect(estate.world.journal()).toEqual([])
  expect(await vote('bob', 'approve')).toMatchObject({ kind: 'approved' })
  await eventually(async () => (await outcome())?.status === 'done')
})

test('a denial ends the step, with who and why', async () => {
  const { estate, vote, outcome } = await held({ quorum: 2 })
  await vote('ann', 'approve')
  expect(await vote('bob', 'deny', { reason: 'it is our backup' })).toMatchObject({
    kind: 'denied',
  })
  expect(await outcome()).toEqual({
    status: 'denied',
    code: 'approval',
    detail: 'denied by bob: it is our backup',
  })
  expect(estate.world.journal()).toEqual([])
})

test('who may not vote is refused, and the refusal is in the audit', async () => {
  const { estate, step, vote } = await held({
    from: ['group:secops', 'carol'],
    notAllowed: ['mallory'],
    isReasonRequired: true,
  })
  const secops = { voter: { name: 'mallory', groups: ['secops'] } }
  expect(await vote('mallory', 'approve', secops)).toMatchObject({ kind: 'not_allowed' })
  expect(await vote('ann', 'approve', { reason: 'r' })).toMatchObject({ kind: 'not_allowed' })
  expect(await vote('carol', 'approve', { reason: '  ' })).toMatchObject({
    kind: 'reason_required',
  })
  const refused = await estate.ledger.rows
    .selectFrom('audit')
    .select('kind')
    .where('subject', '=', step.id)
    .where('kind', '=', 'vote_refused')
    .execute()
  expect(refused).toHaveLength(3)
  expect(await vote('carol', 'approve', { reason: 'seen it' })).toMatchObject({ kind: 'approved' })
})

test('of many votes at once the first decision wins', async () => {
  const { estate, vote, outcome } = await held()
  const people = Array.from({ length: 10 }, (_, index) => `p${index}`)
  const results = await Promise.all(
    people.map((name, index) => vote(name, index % 2 === 0 ? 'approve' : 'deny')),
  )
  expect(results.filter(({ kind }) => kind === 'approved' || kind === 'denied')).toHaveLength(1)
  expect(results.filter(({ kind }) => kind === 'already_decided')).toHaveLength(9)
  await eventually(async () => (await outcome()) !== null)
  expect(estate.world.effects().length).toBeLessThanOrEqual(1)
})

test('when nobody decides in time the step is not done', async () => {
  const { estate, approval, vote, outcome } = await held({ timeoutMs: 150 })
  await eventually(async () => (await outcome()) !== null)
  expect(await outcome()).toMatchObject({ status: 'expired', code: 'approval' })
  expect(await vote('ann', 'approve')).toMatchObject({ kind: 'already_decided' })
  expect(approval.expiresMs - approval.createdMs).toBe(150)
  expect(estate.world.journal()).toEqual([])
})

test('I4 a plan that changed after people approved it is asked about anew', async () => {
  const { estate, alert, approval, vote, outcome } = await held()
  estate.world.make('drift', alert, 'one, two')
  await vote('ann', 'approve')
  await eventually(async () => (await listApprovals(estate.ledger, { limit: 9 })).length === 2)
  const [again, first] = (await listApprovals(estate.ledger, { limit: 9 })).toSorted((a) =>
    a.id === approval.id ? 1 : -1,
  )
  expect(first).toMatchObject({ status: 'void', decision: 'the plan has changed' })
  expect(again).toMatchObject({ status: 'pending', expiresMs: approval.expiresMs })
  expect(estate.world.journal()).toEqual([])

  await eventually(
    async () => (await vote('ann', 'approve', { approvalId: again?.id ?? '' })).kind === 'approved',
  )
  await eventually(async () => (await outcome())?.status === 'done')
  expect(estate.world.effects()).toEqual(['stop'])
})

test('a held step can be taken back, one that has ended cannot', async () => {
  const { estate, step, vote, outcome } = await held()
  const ann = { by: 'ann', reason: 'false alarm' }
  expect(await estate.core.cancel(step.id, ann)).toBe(true)
  expect(await outcome()).toMatchObject({
    status: 'cancelled',
    detail: 'taken back by ann: false alarm',
  })
  expect(await vote('bob', 'approve')).toMatchObject({ kind: 'already_decided' })
  expect(await estate.core.cancel(step.id, ann)).toBe(false)
})
