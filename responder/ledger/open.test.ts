import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { ledgerHomes } from '../../e2e/ledgers.ts'
import { openLedger } from './open.ts'

const range = (length: number) => [...Array(length).keys()]

for (const home of ledgerHomes()) {
  const suite = home.missing === null ? describe : describe.skip
  suite(home.title, () => {
    beforeAll(() => home.start(), 60_000)
    afterAll(async () => home[Symbol.asyncDispose]())

    test('a ledger of a newer version is refused and left as it is', async () => {
      const address = await home.fresh()
      const first = await openLedger(address)
      await first.rows.updateTable('schema_version').set({ version: 99 }).execute()
      await first[Symbol.asyncDispose]()

      await expect(openLedger(address)).rejects.toThrow(/newer Riposte \(ledger version 99/)
    })

    test('a transaction that fails leaves neither its rows nor its audit records', async () => {
      await using ledger = await openLedger(await home.fresh())
      const failing = ledger.write(async ({ rows, audit }) => {
        await rows.insertInto('settings').values({ name: 'a', value: 'b' }).execute()
        await audit({ kind: 'test', subject: 'a', body: {} })
        throw new Error('on purpose')
      })
      await expect(failing).rejects.toThrow('on purpose')
      const settings = await ledger.rows
        .selectFrom('settings')
        .selectAll()
        .where('name', '=', 'a')
        .execute()
      expect(settings).toEqual([])
      expect(await ledger.rows.selectFrom('audit').selectAll().execute()).toEqual([])
    })

    test('writers of several replicas follow one another: the chain has no gap and no fork', async () => {
      const address = await home.fresh()
      await using one = await openLedger(address)
      // A file has one responder: its writers are tasks of one process.
      await using second = one.isShared ? await openLedger(address) : undefined
      const other = second ?? one
      const append = (ledger: typeof one, subject: string) =>
        ledger.write(({ audit }) => audit({ kind: 'test', subject, body: {} }))
      await Promise.all(
        range(40).map((index) => append(index % 2 === 0 ? one : other, String(index))),
      )
      const rows = await one.rows.selectFrom('audit').selectAll().orderBy('seq').execute()
      expect(rows.map(({ seq }) => seq)).toEqual(range(40).map((index) => index + 1))
      expect(new Set(rows.map(({ previous }) => previous)).size).toBe(40)
    })
  })
}

test('I6 ledger time follows neither a jump of the wall clock nor one across a restart', async () => {
  const [sqlite] = ledgerHomes()
  const address = (await sqlite?.fresh()) ?? { file: '' }
  const machine = { boot: 'b1', uptime: 50_000, wall: 1_000_000_000 }
  const view = {
    bootId: () => machine.boot,
    uptimeMs: () => machine.uptime,
    wallMs: () => machine.wall,
  }
  {
    await using ledger = await openLedger(address, view)
    expect(ledger.clock.nowMs()).toBe(1_000_000_000)
    machine.wall += 86_400_000
    machine.uptime += 10
    expect(ledger.clock.nowMs()).toBe(1_000_000_010)
    await ledger.write(({ audit }) => audit({ kind: 'test', subject: 'a', body: {} }))
  }
  {
    machine.uptime += 90
    await using ledger = await openLedger(address, view)
    expect(ledger.clock.nowMs()).toBe(1_000_000_100)
  }
  machine.boot = 'b2'
  machine.uptime = 5
  machine.wall = 1000
  await using ledger = await openLedger(address, view)
  expect(ledger.clock.nowMs()).toBe(1_000_000_010)
  await sqlite?.[Symbol.asyncDispose]()
})
