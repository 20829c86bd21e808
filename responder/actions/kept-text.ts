/** What an action keeps of output that it was given: a bounded text in its effect, which the ledger holds. */
import { z } from 'zod'

export const keptSchema = z.object({
  text: z.string(),
  /** Of the whole, as far as it was read. */
  bytes: z.int(),
  isCut: z.boolean(),
})
export type Kept = z.infer<typeof keptSchema>

/** The last `maxBytes` of it. A NUL, which not every ledger takes, becomes the replacement character. */
export function keepText(text: string, maxBytes: number): Kept {
  const bytes = Buffer.from(text)
  // A character that the cut halves becomes the replacement character as well.
  const kept = bytes.subarray(Math.max(0, bytes.length - maxBytes)).toString('utf8')
  return {
    text: kept.replaceAll('\0', '\uFFFD'),
    bytes: bytes.length,
    isCut: bytes.length > maxBytes,
  }
}
