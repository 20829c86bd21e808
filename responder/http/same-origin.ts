/** Refuses what another site's page makes a logged-in browser send (CSRF), and names that are not ours (rebinding). */
import type { IncomingHttpHeaders } from 'node:http'

const safeMethods = new Set(['GET', 'HEAD', 'OPTIONS'])

export interface Asking {
  readonly method: string
  readonly headers: IncomingHttpHeaders
  readonly protocol: 'http' | 'https'
}

/**
 * Why a request that a cookie vouches for is refused, or null. Its Host has been found ours: a page of that very origin
 * is ours as well. `origins`: others of ours, such as `https://riposte.example.com` behind a proxy.
 */
export function whyCrossSite(
  { method, headers, protocol }: Asking,
  origins: ReadonlySet<string>,
): string | null {
  if (safeMethods.has(method)) return null
  const site = headers['sec-fetch-site']
  if (site !== undefined)
    return site === 'same-origin' ? null : `Sec-Fetch-Site is ${site}, not same-origin`
  const { origin, host } = headers
  if (origin === undefined) return 'neither Sec-Fetch-Site nor Origin says where it came from'
  return origins.has(origin) || origin === `${protocol}://${host}`
    ? null
    : `Origin ${origin} is not this server`
}

/** A page of `evil.example` that resolves to 127.0.0.1 still says its own name in Host. */
export function isOurHost({ host }: IncomingHttpHeaders, names: ReadonlySet<string>): boolean {
  const url = host === undefined ? null : URL.parse(`http://${host}`)
  return url !== null && names.has(url.hostname)
}
