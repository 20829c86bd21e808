/** Bytes as text without loss: UTF-8, and each byte that is no part of it as the lone surrogate U+DC00 + byte. */

export function bytesToText(bytes: Uint8Array): string {
  const text = new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes)
  return text.includes('\ufffd') ? keepingInvalid(Buffer.from(bytes)) : text
}

/** One code point at a time: only a text that does not decode comes here. */
function keepingInvalid(bytes: Buffer): string {
  let text = ''
  for (let at = 0; at < bytes.length;) {
    const length = sequenceLength(bytes[at] ?? 0)
    const sequence = bytes.subarray(at, at + length)
    const char = sequence.toString('utf8')
    const isValid = length > 0 && Buffer.from(char).equals(sequence)
    text += isValid ? char : String.fromCharCode(0xdc00 + (bytes[at] ?? 0))
    at += isValid ? length : 1
  }
  return text
}

/** Bytes of the sequence that a first byte announces; 0 where no sequence begins with it. */
function sequenceLength(first: number): number {
  if (first < 0x80) return 1
  if (first >= 0xc2 && first < 0xe0) return 2
  if (first >= 0xe0 && first < 0xf0) return 3
  return first >= 0xf0 && first < 0xf5 ? 4 : 0
}

/** The inverse: lone surrogates that stand for bytes become those bytes again. */
export function textToBytes(text: string): Uint8Array {
  if (text.isWellFormed()) return new TextEncoder().encode(text)
  const parts = Array.from(text, (char) => {
    const byte = char.charCodeAt(0) - 0xdc00
    return char.length === 1 && byte >= 0x80 && byte <= 0xff
      ? Buffer.from([byte])
      : Buffer.from(char)
  })
  return new Uint8Array(Buffer.concat(parts))
}
