/** What a TokenReview must say before a detector is believed, and what a token says of itself before anybody asks. */
import { z } from 'zod'
import { Refused } from '../http/reply.ts'
import type { NodeCaller } from './trust.ts'

/** Service accounts as `namespace/name`. */
export interface Accounts {
  readonly audience: string
  readonly node: readonly string[]
  readonly audit: readonly string[]
}

const prefix = 'authentication.kubernetes.io/'
const extras = z.record(z.string(), z.array(z.string()))

/** authentication.k8s.io/v1 TokenReview, the parts that count. */
const reviewSchema = z.object({
  status: z.object({
    authenticated: z.boolean().default(false),
    audiences: z.array(z.string()).default([]),
    user: z.object({ username: z.string().default(''), extra: extras.default({}) }).prefault({}),
  }),
})

/** Throws Refused: not authenticated, for somebody else, of another account, or bound to no pod on a node. */
export function callerOf(answer: unknown, accounts: Accounts): NodeCaller {
  const { authenticated, audiences, user } = reviewSchema.parse(answer).status
  if (!authenticated)
    throw new Refused(401, 'token_refused', 'the API server does not know this token (any more)')
  if (!audiences.includes(accounts.audience)) throw wrongAudience(accounts)
  const kind = kindOf(user.username, accounts)
  const node = bound(user.extra, 'node-name')
  if (
    node === null ||
    bound(user.extra, 'pod-name') === null ||
    bound(user.extra, 'pod-uid') === null
  )
    throw new Refused(
      403,
      'unbound_token',
      'the token is bound to no pod on a node: mount it as a projected serviceAccountToken',
    )
  return { kind, node }
}

/** Exactly one, as the API server writes it. */
function bound(extra: z.infer<typeof extras>, name: string): string | null {
  const values = extra[prefix + name]
  return values?.length === 1 && values[0] !== undefined && values[0] !== '' ? values[0] : null
}

function kindOf(username: string, { node, audit }: Accounts): NodeCaller['kind'] {
  const account = /^system:serviceaccount:([^:]+):([^:]+)$/.exec(username)?.slice(1).join('/')
  if (account !== undefined && node.includes(account)) return 'node'
  if (account !== undefined && audit.includes(account)) return 'audit'
  throw new Refused(
    403,
    'other_account',
    `${account ?? 'this account'} is none of nodes.serviceAccounts and nodes.auditServiceAccounts`,
  )
}

const wrongAudience = ({ audience }: Accounts) =>
  new Refused(401, 'other_audience', `the token is not for the audience ${audience}`)

const jwtSchema = z.object({
  sub: z.string(),
  aud: z.union([z.string(), z.array(z.string())]),
  exp: z.number(),
})

/**
 * When the token ends, Unix milliseconds. Nothing of this is verified: it only spares the API server tokens that it
 * would refuse, and bounds how long its word on the others is kept. Throws Refused.
 */
export function endOfToken(token: string, accounts: Accounts, nowMs: number): number {
  const claims = jwtSchema.safeParse(payloadOf(token))
  if (!claims.success)
    throw new Refused(401, 'token_refused', 'this is no service account token of Kubernetes')
  const { sub, aud, exp } = claims.data
  if (![aud].flat().includes(accounts.audience)) throw wrongAudience(accounts)
  kindOf(sub, accounts)
  if (exp * 1000 <= nowMs) throw new Refused(401, 'token_expired', 'the token has expired')
  return exp * 1000
}

function payloadOf(token: string): unknown {
  const [, payload, signature, ...rest] = token.split('.')
  if (payload === undefined || signature === undefined || rest.length > 0) return undefined
  try {
    return JSON.parse(Buffer.from(payload, 'base64url').toString())
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}
