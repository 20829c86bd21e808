/** What the ledger shows to be not as it should be (I9): one sentence each; nothing is healthy. */
import type { Ledger } from './ledger/open.ts'
import { countOverdue, countOverdueUndos } from './ledger/pending.ts'
import { listTrips } from './ledger/switches.ts'

/** Due for longer than this without a worker is a queue that does not carry. */
const stuckMs = 5000
const undoGraceMs = 30_000

export async function findDegraded(
  ledger: Ledger,
  killSwitch: string | null,
): Promise<readonly string[]> {
  const overdue = await countOverdue(ledger, stuckMs)
  const undos = await countOverdueUndos(ledger, undoGraceMs)
  const trips = await listTrips(ledger)
  return [
    ...(overdue === 0 ? [] : [`${overdue} steps wait without progress`]),
    ...(undos === 0 ? [] : [`${undos} containments could not be undone in time`]),
    ...(killSwitch === null ? [] : [`the kill switch is on: ${killSwitch}`]),
    ...trips.map(({ policy, reason }) => `policy ${policy} is in audit until reset: ${reason}`),
  ]
}
