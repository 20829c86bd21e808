/** DER (X.690) as far as a certificate needs it: each function gives one whole element. */

export const element = (tag: number, ...parts: readonly Uint8Array[]): Buffer => {
  const content = Buffer.concat(parts)
  return Buffer.concat([Buffer.from([tag]), length(content.length), content])
}

/** Below 128 in one byte, else the number of bytes first. */
function length(size: number): Buffer {
  if (size < 0x80) return Buffer.from([size])
  const bytes = Buffer.from(size.toString(16).padStart(size > 0xff ? 4 : 2, '0'), 'hex')
  return Buffer.concat([Buffer.from([0x80 | bytes.length]), bytes])
}

export const sequence = (...parts: readonly Uint8Array[]) => element(0x30, ...parts)
export const set = (...parts: readonly Uint8Array[]) => element(0x31, ...parts)
export const boolean = (value: boolean) => element(0x01, Buffer.from([value ? 0xff : 0]))
export const octets = (content: Uint8Array) => element(0x04, content)
export const utf8 = (text: string) => element(0x0c, Buffer.from(text))

/** From big-endian bytes of a number that is not negative. */
export function integer(bytes: Uint8Array): Buffer {
  const isNegative = ((bytes[0] ?? 0) & 0x80) !== 0
  return isNegative ? element(0x02, Buffer.from([0]), bytes) : element(0x02, bytes)
}

/** `unused`: bits at the end that say nothing. */
export const bits = (content: Uint8Array, unused = 0) =>
  element(0x03, Buffer.from([unused]), content)

/** `[number]` around one element (EXPLICIT). */
export const tagged = (number: number, content: Uint8Array) => element(0xa0 | number, content)

/** `[number]` in place of a primitive's own tag (IMPLICIT). */
export const implicit = (number: number, content: Uint8Array) => element(0x80 | number, content)

/** Dotted: `1.2.840.10045.4.3.2`. */
export function identifier(dotted: string): Buffer {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number)
  return element(0x06, Buffer.from([first * 40 + second, ...rest.flatMap(base128)]))
}

function base128(value: number): number[] {
  const groups = [value & 0x7f]
  for (let left = value >>> 7; left > 0; left >>>= 7) groups.unshift((left & 0x7f) | 0x80)
  return groups
}

/** To the second; two-digit years until 2050, as RFC 5280 asks. */
export function time(ms: number): Buffer {
  const digits = new Date(ms).toISOString().replaceAll(/[-:T]|\..*/g, '')
  return digits < '2050'
    ? element(0x17, Buffer.from(`${digits.slice(2)}Z`))
    : element(0x18, Buffer.from(`${digits}Z`))
}
