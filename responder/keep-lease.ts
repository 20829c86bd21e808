/** Keeps a claimed step ours while we work on it, and says so truthfully after the process stood still. */
import { LeaseLost, renew, type Lease } from './ledger/leases.ts'
import type { Ledger } from './ledger/open.ts'

export interface KeptLease {
  /** Aborted when the lease is lost. */
  readonly signal: AbortSignal
  /** Ledger time of the claim. */
  readonly claimedMs: number
  /** By this process's monotonic clock, without asking anybody. */
  readonly isFresh: () => boolean
  readonly stop: () => void
}

export function keepLease(ledger: Ledger, lease: Lease, leaseMs: number): KeptLease {
  const controller = new AbortController()
  const claimedMs = ledger.clock.nowMs()
  let freshUntil = performance.now() + leaseMs
  const extend = async () => {
    const began = performance.now()
    if (await renew(ledger, lease, leaseMs)) freshUntil = began + leaseMs
    else controller.abort(new LeaseLost(lease))
  }
  const timer = setInterval(() => {
    // A ledger that cannot be written lets the lease run out, which `isFresh` sees.
    extend().catch(() => undefined)
  }, leaseMs / 3)
  return {
    signal: controller.signal,
    claimedMs,
    isFresh: () => performance.now() < freshUntil,
    stop: () => {
      clearInterval(timer)
    },
  }
}
