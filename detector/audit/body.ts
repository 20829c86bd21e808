/** The body of a request, as long as it is no longer than allowed. */
import type { IncomingMessage } from 'node:http'
import { errorCode } from '../verdicts/proc.ts'

/** 'too large' as soon as it is known, 'cut off' when the client went away. */
export async function readBody(
  request: IncomingMessage,
  maxBytes: number,
): Promise<Buffer | 'too large' | 'cut off'> {
  if (Number(request.headers['content-length'] ?? 0) > maxBytes) return 'too large'
  const parts: Buffer[] = []
  let bytes = 0
  try {
    for await (const part of request) {
      const chunk: Buffer = part
      bytes += chunk.length
      if (bytes > maxBytes) return 'too large'
      parts.push(chunk)
    }
  } catch (error) {
    if (errorCode(error) !== '') return 'cut off'
    throw error
  }
  return Buffer.concat(parts)
}
