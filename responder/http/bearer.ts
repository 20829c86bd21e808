/** The token of an `authorization: Bearer` header. */
import type { FastifyRequest } from 'fastify'

export function bearerOf({ headers }: FastifyRequest): string | null {
  const [scheme, token] = headers.authorization?.split(' ') ?? []
  return scheme?.toLowerCase() === 'bearer' && token !== undefined ? token : null
}
