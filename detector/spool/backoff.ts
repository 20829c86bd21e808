/** Exponential, with full jitter: a fleet whose responder comes back does not come back all at once. */
export function backoffMs(attempt: number, random: () => number): number {
  const ceiling = Math.min(FIRST_MS * 2 ** Math.min(attempt, 20), LONGEST_MS)
  return FIRST_MS + Math.round(random() * (ceiling - FIRST_MS))
}

const FIRST_MS = 100
const LONGEST_MS = 10_000
