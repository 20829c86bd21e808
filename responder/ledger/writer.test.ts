import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { ledgerHomes } from '../../e2e/ledgers.ts'
import { verifyAudit } from './audit.ts'
import { openLedger, type Writing } from './open.ts'
import { openWriter } from './writer.ts'
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
        ledger.write(async (writing) => {
          await note(`n${index}`)(writing)
          if (index % 4 === 1) throw new Error(`no ${index}`)
          if (index % 4 === 3)
            await writing.rows.insertInto('settings').values({ name: 'n0', value: '' }).execute()
        }),
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

describe('a commit that is synced beside the event loop', () => {
  const [sqlite] = ledgerHomes()
  afterAll(async () => sqlite?.[Symbol.asyncDispose]())

  /** A ledger whose disk answers when the test says so. */
  async function slowDisk() {
    const ledger = await openLedger((await sqlite?.fresh()) ?? { file: '' })
    const syncs: PromiseWithResolvers<void>[] = []
    const sync = () => {
      const asked = Promise.withResolvers<void>()
      syncs.push(asked)
      return asked.promise
    }
    const write = openWriter({ rows: ledger.rows, sync }, ledger.clock)
    const seen = async () => (await ledger.rows.selectFrom('audit').selectAll().execute()).length
    return { ledger, syncs, write, seen }
  }
  const committed = async (write: Awaited<ReturnType<typeof slowDisk>>['write'], name: string) => {
    const commit = Promise.withResolvers<void>()
    const state = { isTold: false }
    const told = write(note(name), () => {
      commit.resolve()
    }).then(() => (state.isTold = true))
    told.catch(() => undefined)
    await commit.promise
    return { state, told }
  }

  test('is told only when the disk has it', async () => {
    const { ledger, syncs, write, seen } = await slowDisk()
    await using _ = ledger
    const first = await committed(write, 'a')
    const second = await committed(write, 'b')
    expect(await seen()).toBe(2)
    expect([first.state.isTold, second.state.isTold]).toEqual([false, false])
    syncs[0]?.resolve()
    await first.told
    expect(second.state.isTold).toBe(false)
    syncs[1]?.resolve()
    await second.told
  })

  test('is not told when the sync fails, and nothing is written after it', async () => {
    const { ledger, syncs, write, seen } = await slowDisk()
    await using _ = ledger
    const { told } = await committed(write, 'a')
    syncs[0]?.reject(new Error('EIO'))
    await expect(told).rejects.toThrow('the ledger could not be synced: EIO')
    await expect(write(note('b'))).rejects.toThrow('EIO')
    expect(await seen()).toBe(1)
  })
})
