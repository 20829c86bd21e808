/** What is true of this host as a whole: its name, its boot, and how its boot clock stands to the wall clock. */
import { readFileSync } from 'node:fs'
import { hostname } from 'node:os'

export interface Host {
  readonly hostname: string
  /** /proc/sys/kernel/random/boot_id: pids and start times mean nothing across boots. */
  readonly bootId: string
  /** Unix nanoseconds of a boot-clock time. */
  wallTimeNs(bootTimeNs: bigint): bigint
  /** Boot-clock nanoseconds now. */
  nowNs(): bigint
  /** Follows a wall clock that was set, or slewed; call it about once a second. */
  refresh(): void
}

/** FALCO_HOSTNAME overrides the name, as with Falco. */
export function createHost(environment: NodeJS.ProcessEnv = process.env): Host {
  const suspendedNs = suspended()
  let wallMinusMonotonic = measure()
  return {
    hostname: environment['FALCO_HOSTNAME'] ?? hostname(),
    bootId: readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim(),
    wallTimeNs: (bootTimeNs) => bootTimeNs - suspendedNs + wallMinusMonotonic,
    nowNs: () => process.hrtime.bigint() + suspendedNs,
    refresh() {
      const expected = process.hrtime.bigint() + wallMinusMonotonic
      const drift = BigInt(Date.now()) * MILLISECOND - expected
      if (drift > 2n * MILLISECOND || drift < -3n * MILLISECOND) wallMinusMonotonic = measure()
    },
  }
}

const MILLISECOND = 1_000_000n

/** Nanoseconds; Date.now() counts milliseconds, so it waits (under one) for the next to begin. */
function measure(): bigint {
  const start = Date.now()
  let now = start
  while (now === start) now = Date.now()
  return BigInt(now) * MILLISECOND - process.hrtime.bigint()
}

/** Boot clock minus monotonic clock. /proc/uptime has 10 ms steps, so what is below that is never having slept. */
function suspended(): bigint {
  const [uptime = '0'] = readFileSync('/proc/uptime', 'utf8').split(' ')
  const difference =
    BigInt(Math.round(Number(uptime) * 1000)) * MILLISECOND - process.hrtime.bigint()
  return difference > 50n * MILLISECOND ? difference : 0n
}
