/** Falco's ways to write a time, from nanoseconds since 1970 (falco-compat 5.1). */

const NS_A_SECOND = 1_000_000_000n

/** `13:53:31.726060287`, local time. */
export function localTime(timeNs: bigint): string {
  const date = dateOf(timeNs)
  const parts = [date.getHours(), date.getMinutes(), date.getSeconds()]
  return `${parts.map((part) => String(part).padStart(2, '0')).join(':')}.${nanoseconds(timeNs)}`
}

/** `2026-11-21T13:53:31.726060287+0000`: UTC with a numeric zone, Falco's time_format_iso_8601. */
export const iso8601 = (timeNs: bigint) => `${utcSeconds(timeNs)}.${nanoseconds(timeNs)}+0000`

/** `2026-11-21T13:53:31.726060287Z`: the `time` of a JSON alert and of the contract. */
export const rfc3339 = (timeNs: bigint) => `${utcSeconds(timeNs)}.${nanoseconds(timeNs)}Z`

const utcSeconds = (timeNs: bigint) => dateOf(timeNs).toISOString().slice(0, 19)
const nanoseconds = (timeNs: bigint) => String(timeNs % NS_A_SECOND).padStart(9, '0')
const dateOf = (timeNs: bigint) => new Date(Number(timeNs / 1_000_000n))
