/** Where evidence is kept: a folder, or a bucket. A file is there whole and durable, or not at all. */

/** Of one file of one step; every part is a safe name (names.ts). */
export interface Place {
  readonly caseId: string
  readonly stepId: string
  readonly name: string
}

export interface KeptStep {
  readonly caseId: string
  readonly stepId: string
  /** Unix milliseconds at which something was last kept of it. */
  readonly atMs: number
}

export type Content = AsyncIterable<Uint8Array>

export interface EvidenceStore {
  /** For people: a path, or an s3:// address. */
  readonly where: (place: Place) => string
  /** Throws what `content` throws, keeping nothing; EvidenceUnkept when the store itself cannot. */
  readonly put: (place: Place, content: Content, signal: AbortSignal) => Promise<void>
  /** Undefined when there is none. */
  readonly get: (place: Place) => Promise<Content | undefined>
  /** Steps with a manifest, newest first; of a bucket the first ten thousand that it names. */
  readonly list: () => Promise<readonly KeptStep[]>
  /** Null where the store has rules of its own for what is old (a bucket's lifecycle). */
  readonly removeCase: ((caseId: string) => Promise<void>) | null
}
