/**
 * A spooled record on disk, little-endian: u32 payload length · u32 CRC-32 of what follows · u64 sequence · payload.
 * A crash can tear only the last record of the last segment; the checksum finds it and the tail is cut.
 */
import { crc32 } from 'node:zlib'

export interface SpoolRecord {
  /** Counts from 1 over the spool's whole life. */
  readonly sequence: number
  readonly payload: Buffer
}

export const RECORD_HEADER_BYTES = 16
/** Larger than any alert; a length beyond it is damage. */
export const MAX_PAYLOAD_BYTES = 4 * 1024 * 1024

export function encodeRecord({ sequence, payload }: SpoolRecord): Buffer {
  const bytes = Buffer.allocUnsafe(RECORD_HEADER_BYTES + payload.length)
  bytes.writeUInt32LE(payload.length, 0)
  bytes.writeBigUInt64LE(BigInt(sequence), 8)
  payload.copy(bytes, RECORD_HEADER_BYTES)
  bytes.writeUInt32LE(crc32(bytes.subarray(8)), 4)
  return bytes
}

export interface DecodedSegment {
  readonly records: readonly SpoolRecord[]
  /** Bytes up to the end of the last whole record. */
  readonly goodBytes: number
}

/** Stops at the first record that is torn or damaged: nothing behind it can be trusted to start where it says. */
export function decodeSegment(bytes: Buffer): DecodedSegment {
  const records: SpoolRecord[] = []
  let position = 0
  while (position + RECORD_HEADER_BYTES <= bytes.length) {
    const length = bytes.readUInt32LE(position)
    const end = position + RECORD_HEADER_BYTES + length
    if (length > MAX_PAYLOAD_BYTES || end > bytes.length) break
    if (crc32(bytes.subarray(position + 8, end)) !== bytes.readUInt32LE(position + 4)) break
    records.push({
      sequence: Number(bytes.readBigUInt64LE(position + 8)),
      payload: bytes.subarray(position + RECORD_HEADER_BYTES, end),
    })
    position = end
  }
  return { records, goodBytes: position }
}
