/** One stream of records from several rings, oldest first: a process must be known before its file is judged. */
import { header } from '../events/schema.ts'
import type { RecordView } from '../events/record-view.ts'
import type { Ring } from './ring.ts'

/**
 * Hands at most `most` records to `deliver`, each gone when it returns; answers how many. `rings` begins with the
 * one that others depend on. It is looked at last: what an exec led to was sent after the exec was, so whatever the
 * other rings are known to hold, its cause is then known too.
 */
export function drainMerged(
  rings: readonly Ring[],
  view: RecordView,
  deliver: (view: RecordView) => void,
  most: number,
): number {
  let delivered = 0
  for (let index = rings.length - 1; index >= 0; index--) rings[index]?.refresh()
  while (delivered < most) {
    const oldest = oldestOf(rings)
    if (oldest === undefined) break
    view.point(oldest.memory, oldest.head())
    deliver(view)
    oldest.advance()
    delivered++
  }
  return delivered
}

function oldestOf(rings: readonly Ring[]): Ring | undefined {
  let oldest: Ring | undefined
  let oldestNs = Infinity
  for (const ring of rings) {
    const head = ring.head()
    if (head === 0) continue
    const timeNs = timeOf(ring, head)
    if (timeNs >= oldestNs) continue
    oldest = ring
    oldestNs = timeNs
  }
  return oldest
}

function timeOf({ memory }: Ring, head: number): number {
  const at = (head + header.timeNs) >> 2
  return (memory.words[at + 1] ?? 0) * 0x1_0000_0000 + ((memory.words[at] ?? 0) >>> 0)
}
