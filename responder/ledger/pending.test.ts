import { mkdtempSync, rmSync } from 'node:fs'
import { DatabaseSync, StatementSync } from 'node:sqlite'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from '@jest/globals'
import { openLedger } from './open.ts'
import {
  approvalTimers,
  containmentTimers,
  countOverdue,
  dueSteps,
  stepsDueIn,
  waitingTimers,
} from './pending.ts'

/** The SQL of what is read meanwhile. */
async function readBy(work: () => Promise<unknown>): Promise<readonly string[]> {
  const seen = new Set<string>()
  // oxlint-disable-next-line typescript/unbound-method -- it is called on the statement, and put back
  const original = StatementSync.prototype.all
  StatementSync.prototype.all = function noted(this: StatementSync, ...values: never[]) {
    seen.add(this.sourceSQL)
    return Reflect.apply(original, this, values)
  }
  try {
    await work()
  } finally {
    StatementSync.prototype.all = original
  }
  return [...seen]
}

test('what is due is found by an index, not among all steps that ever ended', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'pending-'))
  const file = join(directory, 'ledger.db')
  const ledger = await openLedger({ file })
  const asked = await readBy(async () => {
    await dueSteps(ledger)
    await stepsDueIn(ledger, 'c')
    for (const id of [undefined, 's']) {
      await approvalTimers(ledger, id)
      await containmentTimers(ledger, id)
    }
    await waitingTimers(ledger)
    await countOverdue(ledger, 1000)
  })
  await ledger[Symbol.asyncDispose]()
  using database = new DatabaseSync(file)
  const plans = asked.flatMap((statement) =>
    database.prepare(`explain query plan ${statement}`).all().map(({ detail }) => String(detail)),
  ) // prettier-ignore
  rmSync(directory, { recursive: true })

  expect(plans.length).toBeGreaterThan(5)
  expect(plans.filter((detail) => detail === 'SCAN steps')).toEqual([])
})
