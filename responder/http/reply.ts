/** What every route shares: reading what was sent, and saying what was wrong with it. */
import type { FastifyRequest } from 'fastify'
import { z } from 'zod'
import type { Person } from '../containments.ts'

/** A refusal with its HTTP status; the message is for the caller to read. */
export class Refused extends Error {
  override readonly name = 'Refused'
  readonly retryable = false
  readonly status: number
  readonly code: string

  constructor(status: number, code: string, message: string) {
    super(message)
    this.status = status
    this.code = code
  }
}

export const notFound = (what: string) => new Refused(404, 'not_found', `there is no ${what}`)

/** Parses what came in; a mistake is a 400 that names each wrong key. */
export function read<Schema extends z.ZodType>(schema: Schema, given: unknown): z.infer<Schema> {
  const result = schema.safeParse(given ?? {})
  if (result.success) return result.data
  const remarks = result.error.issues
    .slice(0, 5)
    .map(({ path, message }) => `${path.map(String).join('.') || 'body'}: ${message}`)
  throw new Refused(400, 'invalid', remarks.join('; '))
}

/** Names in a path: ids, policies, actions. */
export const idParams = z.strictObject({ id: z.string().min(1).max(253) })
export const limitQuery = z.strictObject({
  limit: z.coerce.number().int().min(1).max(1000).default(50),
})
export const reasonBody = z.strictObject({ reason: z.string().max(1000).default('') })

/** Who asks, for the audit. */
export const who = ({ person }: FastifyRequest, reason: string): Person => ({
  by: person?.name ?? 'unknown',
  reason,
})
