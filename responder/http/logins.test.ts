import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { ledgerHomes } from '../../e2e/ledgers.ts'
import { openLedger, type LedgerAddress } from '../ledger/open.ts'
import { Logins } from './logins.ts'

const minute = 60_000
const enter = async (logins: Logins) => (await logins.redeem(await logins.issueCode('alice'))) ?? ''

/** Two responders on one ledger. */
async function startOn(address: LedgerAddress) {
  const ledger = await openLedger(address)
  const time = { ms: 1_000_000 }
  const responder = () =>
    new Logins({ rows: ledger.rows, clock: { ...ledger.clock, nowMs: () => time.ms } })
  return {
    time,
    logins: responder(),
    other: responder(),
    rows: ledger.rows,
    [Symbol.asyncDispose]: () => ledger[Symbol.asyncDispose](),
  }
}
for (const home of ledgerHomes()) {
  const suite = home.missing === null ? describe : describe.skip
  suite(home.title, () => {
    beforeAll(() => home.start())
    afterAll(async () => home[Symbol.asyncDispose]())

    test('a code is good for five minutes, once, at any responder', async () => {
      await using at = await startOn(await home.fresh())
      const code = await at.logins.issueCode('alice')
      const late = await at.logins.issueCode('alice')
      expect(await at.other.redeem(code)).not.toBeNull()
      expect(await at.logins.redeem(code)).toBeNull()
      at.time.ms += 5 * minute
      expect(await at.logins.redeem(late)).toBeNull()
      expect(await at.logins.redeem('made-up')).toBeNull()
    })

    test('a code is no session, and what the ledger holds is neither', async () => {
      await using at = await startOn(await home.fresh())
      const code = await at.logins.issueCode('alice')
      expect(await at.logins.use(code)).toBeNull()
      const token = (await at.logins.redeem(code)) ?? ''
      expect(await at.logins.redeem(token)).toBeNull()
      const [row] = await at.rows.selectFrom('logins').selectAll().execute()
      expect(await at.logins.use(row?.hash ?? '')).toBeNull()
    })

    test('a session rotates its token once, the old one lives a moment for requests under way', async () => {
      await using at = await startOn(await home.fresh())
      const token = await enter(at.logins)
      const known = { person: { name: 'alice' }, rotated: null }
      expect(await at.other.use(token)).toMatchObject(known)
      at.time.ms += 15 * minute
      const uses = await Promise.all([at.logins.use(token), at.other.use(token)])
      const fresh = uses.flatMap((use) => use?.rotated ?? [])
      expect(fresh).toHaveLength(1)
      expect(await at.logins.use(token)).toMatchObject(known)
      at.time.ms += minute
      expect(await at.logins.use(token)).toBeNull()
      expect(await at.other.use(fresh[0] ?? '')).toMatchObject(known)
    })

    test('a session ends after an idle hour, and after twelve hours whatever happens', async () => {
      await using at = await startOn(await home.fresh())
      let token = await enter(at.logins)
      for (let elapsed = 0; elapsed < 12 * 60; elapsed += 30) {
        const use = await at.logins.use(token)
        expect(use).not.toBeNull()
        token = use?.rotated ?? token
        at.time.ms += 30 * minute
      }
      expect(await at.logins.use(token)).toBeNull()
      const idle = await enter(at.logins)
      at.time.ms += 10 * minute
      expect(await at.logins.use(idle)).not.toBeNull()
      at.time.ms += 59 * minute
      const used = await at.logins.use(idle)
      expect(used).not.toBeNull()
      at.time.ms += 60 * minute
      expect(await at.logins.use(used?.rotated ?? '')).toBeNull()
    })

    test('a session that was closed is closed everywhere', async () => {
      await using at = await startOn(await home.fresh())
      const token = await enter(at.logins)
      await at.other.close(token)
      expect(await at.logins.use(token)).toBeNull()
    })

    test('what is over goes with the next code', async () => {
      await using at = await startOn(await home.fresh())
      await enter(at.logins)
      at.time.ms += 13 * 60 * minute
      await at.logins.issueCode('bob')
      expect(await at.rows.selectFrom('logins').select('name').execute()).toEqual([{ name: 'bob' }])
    })
  })
}
