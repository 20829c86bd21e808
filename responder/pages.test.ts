import { expect, test } from '@jest/globals'
import { alertOf, approve, draft, terms } from '../e2e/drafts.ts'
import { eventually, startEstate } from '../e2e/estate.ts'
import { latestApproval, untoldApprovals } from './ledger/votes.ts'
import { Pages } from './pages.ts'

/** A step that is held for people, and channels that take a page only when they are up. */
async function asked() {
  const told: string[] = []
  const up = new Set<string>()
  const notify = (channel: string, _message: unknown, deliveryId: string) => {
    if (!up.has(channel)) return Promise.reject(new Error(`${channel} is down`))
    told.push(deliveryId)
    return Promise.resolve()
  }
  const estate = await startEstate({
    plan: (alert, found) => [
      draft(alert, found, { terms: terms({ approve: approve({ channels: ['chat', 'mail'] }) }) }),
    ],
    parts: { notify },
  })
  const start = async () => {
    const [step] = await estate.respond(alertOf(7))
    const approval = await latestApproval(estate.ledger, step?.id ?? '')
    if (approval === null) throw new Error('nobody was asked')
    return approval
  }
  return { estate, told, up, notify, start }
}

test('each channel is told once, and the one that was down when it is up again', async () => {
  const { estate, told, up, start } = await asked()
  await using _ = estate
  up.add('chat')
  const { id } = await start()
  await eventually(() => told.length === 1)
  expect(await untoldApprovals(estate.ledger)).toEqual([id])
  up.add('mail')
  await eventually(async () => (await untoldApprovals(estate.ledger)).length === 0)
  expect(told).toEqual([`${id}/chat`, `${id}/mail`])
}, 20_000)

test('a page that a crash kept from being told is told by the next responder', async () => {
  const { estate, told, up, notify, start } = await asked()
  await using _ = estate
  const { id } = await start()
  expect(told).toEqual([])
  up.add('chat').add('mail')
  const { ledger } = estate
  await using next = new Pages({ ledger, notify, linkOf: () => null, log: () => undefined })
  await next.tell()
  expect(told).toEqual([`${id}/chat`, `${id}/mail`])
  expect(await untoldApprovals(ledger)).toEqual([])
})
