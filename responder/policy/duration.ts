/** Durations as Go and Prometheus write them: `500ms`, `15m`, `1h30m`, `7d`. */
const unitMs = new Map([
  ['ms', 1],
  ['s', 1000],
  ['m', 60_000],
  ['h', 3_600_000],
  ['d', 86_400_000],
  ['w', 604_800_000],
])
const part = /(\d+(?:\.\d+)?)(ms|s|m|h|d|w)/g

/** What a duration looks like, for the JSON Schema of policies. */
export const durationPattern = /^(?:\d+(?:\.\d+)?(?:ms|s|m|h|d|w))+$/

/** Milliseconds, whole; undefined when the text is not a duration or is not more than nothing. */
export function parseDuration(text: string): number | undefined {
  if (!durationPattern.test(text)) return undefined
  let total = 0
  for (const [, amount, unit = ''] of text.matchAll(part))
    total += Number(amount) * (unitMs.get(unit) ?? 0)
  const whole = Math.round(total)
  return whole > 0 && Number.isSafeInteger(whole) ? whole : undefined
}

/** The two largest units that are not nothing: `1h30m`, `45s`. */
export function printDuration(ms: number): string {
  const parts: string[] = []
  let rest = Math.max(0, Math.round(ms))
  for (const [unit, size] of [...unitMs].toReversed()) {
    if (unit === 'w') continue
    const amount = Math.floor(rest / size)
    rest -= amount * size
    if (amount > 0) parts.push(`${amount}${unit}`)
  }
  return parts.slice(0, 2).join('') || '0s'
}

/** For sentences, to a tenth: `1.5 s`. */
export const seconds = (ms: number): string => `${Math.round(ms / 100) / 10} s`
