/** How a file of a step leaves the node. */
export interface HandedFile {
  readonly step: string
  readonly name: string
  readonly path: string
  readonly bytes: number
  readonly sha256: string
}

/**
 * Resolves when the responder has it, or has told that evidence stays on the nodes. Tries again until `signal` aborts;
 * rejects then, and when it is refused.
 */
export type HandOver = (file: HandedFile, signal: AbortSignal) => Promise<'kept' | 'no_store'>

/** For a detector without a responder. */
export const noHandOver: HandOver = () => Promise.resolve('no_store')
