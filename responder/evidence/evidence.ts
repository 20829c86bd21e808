/** What an action sees of the evidence store: it hands over, and learns where it is kept. */

export type Given = string | Uint8Array | AsyncIterable<Uint8Array>

export interface Kept {
  /** A path on the responder's host, or an s3:// address. */
  readonly where: string
  /** As it is kept: made safe, and not one that was taken. */
  readonly name: string
  readonly bytes: number
  readonly sha256: string
}

/** Everything that a step keeps, as its manifest.json says it. */
export interface KeptManifest {
  readonly where: string
  /** Of manifest.json, as the audit has it too. */
  readonly manifestSha256: string
  readonly files: readonly {
    readonly name: string
    readonly bytes: number
    readonly sha256: string
  }[]
}

/** Of one step. */
export interface Evidence {
  /**
   * Kept, in the manifest and in the audit when it resolves; null where no store is configured. `sha256`: what it has
   * to be. Throws EvidenceTooBig, EvidenceDamaged, EvidenceUnkept.
   */
  readonly put: (name: string, given: Given, sha256?: string) => Promise<Kept | null>
  /** Null when nothing of this step is kept. */
  readonly manifest: () => Promise<KeptManifest | null>
}

/** Stands where no store is configured. */
export const noEvidence: Evidence = {
  put: () => Promise.resolve(null),
  manifest: () => Promise.resolve(null),
}

/** As much text as an effect takes when there is no store. */
const mostInEffect = 16 << 10

/**
 * Text for an effect: where it is kept, or itself without a store, its last 16 KiB at most. Spread it into the effect.
 */
export async function keep(
  { evidence }: { readonly evidence: Evidence },
  name: string,
  given: string | Uint8Array,
): Promise<{ readonly evidence: Kept } | { readonly text: string; readonly isTruncated: boolean }> {
  const kept = await evidence.put(name, given)
  if (kept !== null) return { evidence: kept }
  const bytes = Buffer.from(given)
  const text = bytes.subarray(Math.max(0, bytes.length - mostInEffect)).toString()
  return { text, isTruncated: bytes.length > mostInEffect }
}
