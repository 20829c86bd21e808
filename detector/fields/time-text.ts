/** Times as Falco prints them; all of them from Unix nanoseconds. */

const SECOND = 1_000_000_000n

export const seconds = (timeNs: bigint) => timeNs / SECOND
export const nanoseconds = (timeNs: bigint) => timeNs % SECOND

const digits = (value: number, width = 2) => String(value).padStart(width, '0')
const fraction = (timeNs: bigint) => nanoseconds(timeNs).toString().padStart(9, '0')
const dateOf = (timeNs: bigint) => new Date(Number(timeNs / 1_000_000n))

/** `13:20:01`, local time. */
export function clock(timeNs: bigint): string {
  const date = dateOf(timeNs)
  return `${digits(date.getHours())}:${digits(date.getMinutes())}:${digits(date.getSeconds())}`
}

/** `13:20:01.123456789`, local time. */
export const clockExact = (timeNs: bigint) => `${clock(timeNs)}.${fraction(timeNs)}`

function day(timeNs: bigint): string {
  const date = dateOf(timeNs)
  return `${date.getFullYear()}-${digits(date.getMonth() + 1)}-${digits(date.getDate())}`
}

/** `2026-11-21 13:20:01.123456789 +0100`: how an absolute time in a parameter prints. */
export const dateTime = (timeNs: bigint) => `${day(timeNs)} ${clockExact(timeNs)} ${zone(timeNs)}`

/** `2026-11-21 13:20:01`, and with its fraction: evt.datetime.s and evt.datetime. */
export const dateClock = (timeNs: bigint) => `${day(timeNs)} ${clock(timeNs)}`
export const dateClockExact = (timeNs: bigint) => `${day(timeNs)} ${clockExact(timeNs)}`

/** `2026-11-21T12:20:01.123456789+0000`, always UTC. */
export const iso8601 = (timeNs: bigint) =>
  `${dateOf(timeNs).toISOString().slice(0, 19)}.${fraction(timeNs)}+0000`

function zone(timeNs: bigint): string {
  const minutes = -dateOf(timeNs).getTimezoneOffset()
  const sign = minutes < 0 ? '-' : '+'
  return `${sign}${digits(Math.floor(Math.abs(minutes) / 60))}${digits(Math.abs(minutes) % 60)}`
}
