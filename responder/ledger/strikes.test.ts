import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { alertOf, draft, terms } from '../../e2e/drafts.ts'
import { startEstate } from '../../e2e/estate.ts'
import { ledgerHomes, type LedgerHome } from '../../e2e/ledgers.ts'
import type { Outcome } from '../outcome.ts'
import { listTrips } from './switches.ts'

const fuse = { max: 2, perMs: 60_000 }
const effect = { strike: { policy: 'p' } }
const said: Readonly<Record<'audit' | 'enforce', Outcome>> = {
  enforce: { status: 'done', code: 'strike', detail: 'the kernel killed cat', effect },
  audit: { status: 'would', code: 'strike', detail: 'would kill cat', effect, gates: [] },
}

const estateIn = async (mode: 'audit' | 'enforce', home: LedgerHome) =>
  startEstate({
    address: await home.fresh(),
    policyMode: () => mode,
    plan: (alert, found) => [
      draft(alert, found, { mode, recorded: said[mode], terms: terms({ fuse }) }),
    ],
  })

for (const home of ledgerHomes()) {
  const suite = home.missing === null ? describe : describe.skip
  suite(`strikes that nodes report, ${home.title}`, () => {
    beforeAll(() => home.start(), 60_000)
    afterAll(async () => home[Symbol.asyncDispose]())

    test('in audit end as "would", and the one too many as what the fuse suppressed', async () => {
      await using estate = await estateIn('audit', home)
      const steps = await estate.respond(alertOf(1), alertOf(2), alertOf(3))
      const statuses = steps.map(({ outcome }) => outcome?.status ?? '')
      expect(statuses.filter((status) => status === 'would')).toHaveLength(2)
      expect(steps.map(({ outcome }) => outcome?.detail)).toContain(
        'the fuse of policy p allows 2 kills within 60 s; would kill cat',
      )
      expect(await listTrips(estate.ledger)).toEqual([])
    })

    test('in enforce are done, and the one too many opens the fuse', async () => {
      await using estate = await estateIn('enforce', home)
      await estate.respond(alertOf(1), alertOf(2))
      expect(await listTrips(estate.ledger)).toEqual([])
      const steps = await estate.respond(alertOf(3))
      expect(steps.map(({ outcome }) => outcome?.status)).toEqual(['done', 'done', 'done'])
      expect((await listTrips(estate.ledger)).map(({ policy }) => policy)).toEqual(['p'])
      expect(estate.world.journal()).toEqual([])
    })
  })
}
