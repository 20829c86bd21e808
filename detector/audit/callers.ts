/** Who may post audit events: whoever brings one of the tokens, and (by TLS itself) a certificate of the right name. */
import { createHash, timingSafeEqual } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import type { IncomingMessage } from 'node:http'
import { TLSSocket } from 'node:tls'

export interface CallerOptions {
  /** Tokens, one a line; empty: none is asked for. */
  readonly tokenFile: string
  /** Common names of client certificates; empty: any. */
  readonly clientNames: readonly string[]
}

/** The tokens cannot be read, so nobody can be let in. */
export class TokensUnreadable extends Error {
  readonly code = 'tokens_unreadable'
  readonly retryable = true
}

/** Why this caller may not post, or undefined when it may. That its certificate is good, TLS has seen to. */
export async function whyNotAllowed(
  request: IncomingMessage,
  { tokenFile, clientNames }: CallerOptions,
): Promise<string | undefined> {
  const name = commonName(request)
  if (clientNames.length > 0 && (name === undefined || !clientNames.includes(name)))
    return 'the certificate is not of a client that may post'
  if (tokenFile === '') return undefined
  const [, given] = /^Bearer +([^ ]+)$/i.exec(request.headers.authorization ?? '') ?? []
  if (given === undefined) return 'a bearer token is expected'
  const tokens = await readTokens(tokenFile)
  const isKnown = tokens.map((token) => isSame(token, given)).some(Boolean)
  return isKnown ? undefined : 'the bearer token is not known'
}

/** Read each time, so that a rotated file is taken at once and the old token can stand beside the new. */
async function readTokens(path: string): Promise<readonly string[]> {
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (cause) {
    throw new TokensUnreadable(`the tokens cannot be read: ${path}`, { cause })
  }
  const tokens = text.split(/\s+/).filter((token) => token !== '')
  if (tokens.length === 0) throw new TokensUnreadable(`there is no token in ${path}`)
  return tokens
}

function commonName({ socket }: IncomingMessage): string | undefined {
  if (!(socket instanceof TLSSocket)) return undefined
  const name = socket.getPeerCertificate().subject?.CN
  return Array.isArray(name) ? undefined : name
}

/** Takes as long whatever differs. */
const isSame = (one: string, other: string) => timingSafeEqual(digest(one), digest(other))
const digest = (text: string) => createHash('sha256').update(text).digest()
