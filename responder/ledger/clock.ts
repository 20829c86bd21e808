/**
 * Ledger time: Unix milliseconds that never go back and do not follow jumps of the wall clock, so that windows,
 * deadlines and TTLs hold (I6). Between restarts in one boot it goes on by CLOCK_BOOTTIME (/proc/uptime, which
 * counts suspend too); in another boot it begins at the wall clock, but never before what the ledger already saw.
 */
import { readFileSync } from 'node:fs'

export interface Clock {
  readonly nowMs: () => number
}

/** Where a boot's clock stood: ledger time at an uptime. */
export interface Anchor {
  readonly bootId: string
  readonly uptimeMs: number
  readonly ledgerMs: number
}

export interface Machine {
  readonly bootId: () => string
  readonly uptimeMs: () => number
  readonly wallMs: () => number
}

/** /proc/uptime counts hundredths of a second and costs 20 us to read: in between the monotonic clock goes on. */
const uptimeTickMs = 10

function goingOn(read: () => number): () => number {
  let value = 0
  let readAt = -Infinity
  return () => {
    const now = performance.now()
    if (now - readAt >= uptimeTickMs) {
      value = read()
      readAt = now
    }
    return value + Math.floor(now - readAt)
  }
}

export const thisMachine: Machine = {
  bootId: () => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim(),
  uptimeMs: goingOn(() =>
    Math.round(Number(readFileSync('/proc/uptime', 'utf8').split(' ')[0]) * 1000),
  ),
  wallMs: () => Date.now(),
}

/** `saved`: the anchor of this boot, if the ledger has one · `seenMs`: the latest time in the ledger. */
export function startClock(
  machine: Machine,
  saved: Anchor | undefined,
  seenMs: number,
): { clock: Clock; anchor: Anchor } {
  const bootId = machine.bootId()
  const uptimeMs = machine.uptimeMs()
  const isSameBoot = saved?.bootId === bootId && uptimeMs >= saved.uptimeMs
  const startMs = isSameBoot ? saved.ledgerMs + (uptimeMs - saved.uptimeMs) : machine.wallMs()
  const anchor = { bootId, uptimeMs, ledgerMs: Math.max(startMs, seenMs) }
  let last = anchor.ledgerMs
  const nowMs = () => (last = Math.max(last, anchor.ledgerMs + machine.uptimeMs() - uptimeMs))
  return { clock: { nowMs }, anchor }
}
