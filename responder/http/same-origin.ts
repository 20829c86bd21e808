/** Refuses what another site's page makes a logged-in browser send (CSRF), and names that are not ours (rebinding). */
import type { IncomingHttpHeaders } from 'node:http'

const safeMethods = new Set(['GET', 'HEAD', 'OPTIONS'])

/** Why a request that a cookie vouches for is refused, or null. `origins`: ours, such as `http://127.0.0.1:2810`. */
export function whyCrossSite(
  method: string,
  headers: IncomingHttpHeaders,
  origins: ReadonlySet<string>,
): string | null {
  if (safeMethods.has(method)) return null
  const site = headers['sec-fetch-site']
  if (site !== undefined)
    return site === 'same-origin' ? null : `Sec-Fetch-Site is ${site}, not same-origin`
  if (headers.origin === undefined)
    return 'neither Sec-Fetch-Site nor Origin says where it came from'
  return origins.has(headers.origin) ? null : `Origin ${headers.origin} is not this server`
}

/** A page of `evil.example` that resolves to 127.0.0.1 still says its own name in Host. */
export const isOurHost = (host: string | undefined, origins: ReadonlySet<string>): boolean =>
  host !== undefined && [...origins].some((origin) => new URL(origin).host === host)
