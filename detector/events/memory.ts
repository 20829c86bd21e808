/** Bytes that records lie in, by every width that reading them takes; made once for a ring, not once for a record. */
export interface Memory {
  readonly words: Int32Array
  readonly halves: Uint16Array
  readonly longs: BigInt64Array
  readonly bytes: Uint8Array
  readonly buffer: Buffer
}

/** The length must be a multiple of 8. */
export const memoryOf = (memory: ArrayBuffer): Memory => ({
  words: new Int32Array(memory),
  halves: new Uint16Array(memory),
  longs: new BigInt64Array(memory),
  bytes: new Uint8Array(memory),
  buffer: Buffer.from(memory),
})
