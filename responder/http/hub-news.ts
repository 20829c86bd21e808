/** What responders tell one another of the nodes: a node polls one of them, and any of them may work on its steps. */
import { z } from 'zod'
import { answerSchema, heartbeatSchema, verdictSchema } from '../../contract/verdict.ts'

const node = z.string().min(1)

export const hubNewsSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('order'), node, verdict: verdictSchema }),
  z.strictObject({ kind: z.literal('answer'), node, answer: answerSchema }),
  /** Nobody waits for its answer any more. */
  z.strictObject({ kind: z.literal('withdrawn'), node, key: z.string() }),
  z.strictObject({ kind: z.literal('heartbeat'), node, heartbeat: heartbeatSchema }),
])

export type HubNews = z.infer<typeof hubNewsSchema>
export type NewsOf<Kind extends HubNews['kind']> = Extract<HubNews, { kind: Kind }>
