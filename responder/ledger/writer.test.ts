import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { ledgerHomes } from '../../e2e/ledgers.ts'
import { verifyAudit } from './audit.ts'
import { openLedger, type Writing } from './open.ts'
import { writeSetting } from './switches.ts'

const note = (name: string) => async (writing: Writing) => {
  await writeSetting(writing, name, 'x')
  await writing.audit({ kind: 'noted', subject: name, body: {} })
}

for (const home of ledgerHomes()) {
  const suite = home.missing === null ? describe : describe.skip
  suite(`works that share a transaction, ${home.title}`, () => {
    beforeAll(() => home.start(), 60_000)
    afterAll(async () => home[Symbol.asyncDispose]())

    test('one that fails leaves nothing, and the others stand with an intact chain', async () => {
      await using ledger = await openLedger(await home.fresh())
      const works = Array.from({ length: 40 }, (_, index) =>
        ledger.write(
          async (writing) => {
            await note(`n${index}`)(writing)
            if (index % 4 === 1) throw new Error(`no ${index}`)
            if (index % 4 === 3)
              await writing.rows.insertInto('settings').values({ name: 'n0', value: '' }).execute()
          },
          index % 8 === 0 ? 'later' : 'now',
        ),
      )
      const ended = await Promise.allSettled(works)
      const stood = ended.flatMap(({ status }, index) =>
        status === 'fulfilled' ? [`n${index}`] : [],
      )
      expect(stood).toHaveLength(20)
      const records = await ledger.rows
        .selectFrom('audit')
        .select('subject')
        .orderBy('seq')
        .execute()
      expect(records.map(({ subject }) => subject)).toEqual(stood)
      const settings = await ledger.rows
        .selectFrom('settings')
        .select('name')
        .where('value', '=', 'x')
        .execute()
      expect(settings).toHaveLength(20)
      expect(await verifyAudit(ledger, [])).toMatchObject({ isIntact: true, records: 20 })
    })

    test('a work sees what the one before it in the same transaction wrote', async () => {
      await using ledger = await openLedger(await home.fresh())
      const count = () =>
        ledger.write(async ({ rows, audit }) => {
          const { seq } = await rows
            .selectFrom('audit')
            .select((eb) => eb.fn.countAll<number>().as('seq'))
            .executeTakeFirstOrThrow()
          await audit({ kind: 'counted', subject: String(seq), body: {} })
          return seq
        })
      expect(await Promise.all([count(), count(), count()])).toEqual([0, 1, 2])
    })
  })
}
