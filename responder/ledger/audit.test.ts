import { mkdtempSync, rmSync } from 'node:fs'
import { appendFile, readFile, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { array, assert, jsonValue, nat, property } from 'fast-check'
import { ledgerHomes } from '../../e2e/ledgers.ts'
import { verifyAudit } from './audit.ts'
import { chain, genesis, hashOf } from './chain.ts'
import { openCheckpoints, readCheckpoints, writeCheckpoint } from './checkpoints.ts'
import { openLedger, type Ledger } from './open.ts'

const total = 12

/** A ledger whose audit holds `total` records. */
async function written(ledger: Ledger): Promise<Ledger> {
  for (let index = 1; index <= total; index++)
    await ledger.write(({ audit }) =>
      audit({ kind: 'outcome', subject: `s${index}`, body: { detail: `number ${index}` } }),
    )
  return ledger
}

const rowAt = ({ rows }: Ledger, seq: number) =>
  rows.selectFrom('audit').selectAll().where('seq', '=', seq).executeTakeFirstOrThrow()

/** What somebody with the database in hand may do, and the first record that must be named for it. */
const mutations: readonly {
  readonly name: string
  readonly mutate: (ledger: Ledger) => Promise<unknown>
  readonly seq: number
  readonly fault: string
}[] = [
  ...(['kind', 'subject', 'body'] as const).map((column) => ({
    name: `an edit of ${column}`,
    mutate: ({ rows }: Ledger) =>
      rows
        .updateTable('audit')
        .set({ [column]: '"x"' })
        .where('seq', '=', 5)
        .execute(),
    seq: 5,
    fault: 'edited',
  })),
  {
    name: 'an edit of the time',
    mutate: ({ rows }) =>
      rows.updateTable('audit').set({ at_ms: 1 }).where('seq', '=', 5).execute(),
    seq: 5,
    fault: 'edited',
  },
  {
    name: 'an edit with its hash made to fit',
    async mutate(ledger) {
      const row = { ...(await rowAt(ledger, 5)), body: '{}' }
      const set = { body: row.body, hash: hashOf(row) }
      await ledger.rows.updateTable('audit').set(set).where('seq', '=', 5).execute()
    },
    seq: 6,
    fault: 'unchained',
  },
  {
    name: 'a deletion',
    mutate: ({ rows }) => rows.deleteFrom('audit').where('seq', '=', 5).execute(),
    seq: 5,
    fault: 'missing',
  },
  {
    name: 'a deletion with the rest moved up',
    async mutate({ rows }) {
      await rows.deleteFrom('audit').where('seq', '=', 5).execute()
      for (let seq = 6; seq <= total; seq++)
        await rows
          .updateTable('audit')
          .set({ seq: seq - 1 })
          .where('seq', '=', seq)
          .execute()
    },
    seq: 5,
    fault: 'unchained',
  },
  {
    name: 'two records that changed places',
    async mutate({ rows }) {
      for (const [from, to] of [
        [5, 99],
        [6, 5],
        [99, 6],
      ] as const)
        await rows.updateTable('audit').set({ seq: to }).where('seq', '=', from).execute()
    },
    seq: 5,
    fault: 'unchained',
  },
  {
    name: 'a truncation',
    mutate: ({ rows }) => rows.deleteFrom('audit').where('seq', '>', 9).execute(),
    seq: 10,
    fault: 'missing',
  },
  {
    name: 'an insertion in the middle',
    async mutate(ledger) {
      for (let seq = total; seq >= 5; seq--)
        await ledger.rows
          .updateTable('audit')
          .set({ seq: seq + 1 })
          .where('seq', '=', seq)
          .execute()
      const before = await rowAt(ledger, 4)
      const forged = chain(before, 1, { kind: 'outcome', subject: 'forged', body: {} })
      await ledger.rows.insertInto('audit').values(forged).execute()
    },
    seq: 6,
    fault: 'unchained',
  },
]

for (const home of ledgerHomes()) {
  const suite = home.missing === null ? describe : describe.skip
  suite(home.title, () => {
    beforeAll(() => home.start(), 60_000)
    afterAll(async () => home[Symbol.asyncDispose]())

    test('I7 an untouched audit verifies', async () => {
      await using ledger = await written(await openLedger(await home.fresh()))
      expect(await verifyAudit(ledger, [])).toMatchObject({ isIntact: true, records: total })
    })

    test('I7 an audit that grows while it is read verifies', async () => {
      await using ledger = await written(await openLedger(await home.fresh()))
      const found = []
      for (let times = 0; times < 50; times++) {
        const writing = ledger.write(({ audit }) => audit({ kind: 'k', subject: 's', body: {} }))
        found.push(await verifyAudit(ledger, []))
        await writing
      }
      expect(found.filter(({ isIntact }) => !isIntact)).toEqual([])
    })

    test('I7 a record beyond the head is found', async () => {
      await using ledger = await written(await openLedger(await home.fresh()))
      const forged = chain(await rowAt(ledger, total), 1, { kind: 'k', subject: 's', body: {} })
      await ledger.rows.insertInto('audit').values(forged).execute()
      expect(await verifyAudit(ledger, [])).toMatchObject({ seq: total + 1, fault: 'rewritten' })
    })

    test.each(mutations)('I7 $name is found, and the first bad record named', async (mutation) => {
      await using ledger = await written(await openLedger(await home.fresh()))
      await mutation.mutate(ledger)
      const { seq, fault } = mutation
      expect(await verifyAudit(ledger, [])).toMatchObject({ isIntact: false, seq, fault })
    })
  })
}

describe('checkpoints in a second file', () => {
  const directory = mkdtempSync(join(tmpdir(), 'riposte-checkpoints-'))
  afterAll(() => {
    rmSync(directory, { recursive: true, force: true })
  })

  test('I7 a chain cut off together with its head is found', async () => {
    await using ledger = await written(await openLedger({ file: join(directory, 'cut.db') }))
    const file = join(directory, 'cut.checkpoints')
    await writeCheckpoint(ledger, file, undefined)
    const last = await rowAt(ledger, 9)
    await ledger.rows.deleteFrom('audit').where('seq', '>', 9).execute()
    await ledger.rows.updateTable('audit_head').set({ seq: 9, hash: last.hash }).execute()

    expect(await verifyAudit(ledger, [])).toMatchObject({ isIntact: true })
    const found = await verifyAudit(ledger, await readCheckpoints(file))
    expect(found).toMatchObject({ isIntact: false, seq: 10, fault: 'missing' })
  })

  test('I7 a chain written anew from an edit on is found', async () => {
    await using ledger = await written(await openLedger({ file: join(directory, 'new.db') }))
    const file = join(directory, 'new.checkpoints')
    await writeCheckpoint(ledger, file, undefined)
    let head = await rowAt(ledger, 4)
    for (let seq = 5; seq <= total; seq++) {
      head = chain(head, 1, { kind: 'outcome', subject: 'forged', body: {} })
      await ledger.rows.updateTable('audit').set(head).where('seq', '=', seq).execute()
    }
    await ledger.rows.updateTable('audit_head').set({ hash: head.hash }).execute()

    expect(await verifyAudit(ledger, [])).toMatchObject({ isIntact: true })
    const found = await verifyAudit(ledger, await readCheckpoints(file))
    expect(found).toMatchObject({ isIntact: false, fault: 'rewritten' })
  })

  test('a last line torn by a power cut is left out, and healed at the next start', async () => {
    const file = join(directory, 'torn.checkpoints')
    const whole = JSON.stringify({ seq: 1, hash: 'h', atMs: 1 })
    await writeFile(file, `${whole}\n`)
    await appendFile(file, whole.slice(0, 12))
    expect(await readCheckpoints(file)).toHaveLength(1)
    expect(await openCheckpoints(file)).toMatchObject({ seq: 1 })
    expect(await readFile(file, 'utf8')).toBe(`${whole}\n`)
  })
})

test('I7 any prefix of any chain that is not the whole of it differs from its head', () => {
  assert(
    property(array(jsonValue(), { minLength: 1, maxLength: 20 }), nat(), (bodies, cut) => {
      let head = { seq: 0, hash: genesis }
      const rows = bodies.map(
        (body, index) => (head = chain(head, index, { kind: 'k', subject: 's', body: { body } })),
      )
      const prefix = rows.slice(0, cut % rows.length)
      expect(
        rows.every((row) => hashOf({ ...row, seq: row.seq }) === rows[row.seq - 1]?.hash),
      ).toBe(true)
      expect(prefix.at(-1)?.hash).not.toBe(head.hash)
    }),
  )
})
