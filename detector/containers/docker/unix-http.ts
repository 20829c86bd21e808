/** One JSON answer over HTTP from a unix socket. */
import { request } from 'node:http'
import { RuntimeAway } from '../runtime.ts'

const TIMEOUT_MS = 5000
const MAX_BYTES = 16 * 1024 * 1024

/** Undefined for 404: it is not there. */
export function getJson(socketPath: string, path: string, signal: AbortSignal): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const away = (cause: Error) => reject(new RuntimeAway(cause.message, { cause }))
    const asking = request(
      { socketPath, path, headers: { host: 'localhost' }, timeout: TIMEOUT_MS, signal },
      (response) => {
        const chunks: Buffer[] = []
        let bytes = 0
        response.on('data', (chunk: Buffer) => {
          bytes += chunk.length
          if (bytes > MAX_BYTES) asking.destroy(new Error('its answer is too large'))
          else chunks.push(chunk)
        })
        response.on('error', away)
        response.on('end', () => {
          const { statusCode = 0 } = response
          if (statusCode === 404) resolve(undefined)
          else if (statusCode !== 200) away(new Error(`it answers HTTP ${statusCode}`))
          else parse(Buffer.concat(chunks).toString(), resolve, away)
        })
      },
    )
    asking.on('timeout', () => asking.destroy(new Error(`no answer in ${TIMEOUT_MS} ms`)))
    asking.on('error', away)
    asking.end()
  })
}

function parse(text: string, resolve: (value: unknown) => void, away: (cause: Error) => void) {
  try {
    resolve(JSON.parse(text))
  } catch (cause) {
    if (!(cause instanceof SyntaxError)) throw cause
    away(cause)
  }
}
