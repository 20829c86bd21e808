/** One responder a SQLite file: two would each break the other's leases. */
import { LedgerRefused } from './errors.ts'
import { breakLeases } from './ledger/leases.ts'
import type { Ledger } from './ledger/open.ts'
import { readSetting, writeSetting } from './ledger/switches.ts'
import { isDeadHere } from './owner.ts'

const holderName = 'responder'

/** Throws LedgerRefused while another lives; what dead ones held is free. A shared ledger is for many. */
export async function becomeOnly(ledger: Ledger, owner: string): Promise<void> {
  if (ledger.isShared) return
  await ledger.write(async (writing) => {
    const holder = await readSetting(writing, holderName)
    if (holder !== undefined && !isDeadHere(holder) && holder !== owner)
      throw new LedgerRefused(
        `another responder (pid ${holder.split(' ')[2]}) has this ledger open; use another --data, or PostgreSQL`,
      )
    await writeSetting(writing, holderName, owner)
  })
  await breakLeases(ledger, isDeadHere)
}

export async function leave({ rows, isShared }: Ledger): Promise<void> {
  if (!isShared) await rows.deleteFrom('settings').where('name', '=', holderName).execute()
}
