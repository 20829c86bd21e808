/** Riposte's own processes and the programs that it started: their acts must not set Riposte off again (fault F24). */
import { readFileSync } from 'node:fs'
import { readStat } from './proc.ts'

export interface Suspect {
  readonly pid: number
  readonly startTimeNs: bigint
  readonly parentPid: number
  readonly sessionId: number
}

interface Own {
  readonly startTicks: number
  /** Boot clock; undefined while it runs, and as long as it does its pid cannot be another's. */
  endNs: bigint | undefined
}

const NS_PER_TICK = 10_000_000n
/** Ended ones are kept because their records may still be in a ring. */
const CAPACITY = 1024

/**
 * Asked once an alert. Exact against reused pids: a child of ours, or a member of a session that run_program made, must
 * have started before ours ended. A grandchild that left the session is not recognised: one alert too many, not too few.
 */
export class OwnProcesses {
  readonly #own = new Map<number, Own>()

  /** To be called before the process can have been reaped. */
  mark(pid: number): void {
    const startTicks = readStat(pid)?.startTicks
    if (startTicks === undefined) return
    this.#own.delete(pid)
    this.#own.set(pid, { startTicks, endNs: undefined })
    const [oldest] = this.#own.keys()
    if (this.#own.size > CAPACITY && oldest !== undefined) this.#own.delete(oldest)
  }

  hasEnded(pid: number): void {
    const own = this.#own.get(pid)
    if (own !== undefined) own.endNs = bootClockNs()
  }

  isOwn({ pid, startTimeNs, parentPid, sessionId }: Suspect): boolean {
    const itself = this.#own.get(pid)
    if (itself !== undefined && BigInt(itself.startTicks) === startTimeNs / NS_PER_TICK) return true
    return [parentPid, sessionId].some((other) => {
      const own = this.#own.get(other)
      return own !== undefined && (own.endNs === undefined || startTimeNs <= own.endNs)
    })
  }
}

/** /proc/uptime is the boot clock, in hundredths of a second. */
function bootClockNs(): bigint {
  const [seconds = '0'] = readFileSync('/proc/uptime', 'utf8').split(' ')
  return BigInt(Math.round(Number(seconds) * 100)) * NS_PER_TICK
}
