/** How nodes are believed, by configuration. */
import type { ResponderConfig } from '../config.ts'
import type { RunParts } from '../run-parts.ts'
import { sharedTokenTrust } from './shared-token.ts'
import { tokenReviewTrust, type TokenReviewParts } from './token-review-trust.ts'
import type { NodeTrust } from './trust.ts'

export interface Trusting {
  readonly trust: NodeTrust
  readonly confirm: RunParts['confirm']
}

export function trustOf(
  { nodes }: Pick<ResponderConfig, 'nodes'>,
  kubernetes: TokenReviewParts['kubernetes'],
  token: () => string,
): Trusting {
  const { audience, serviceAccounts, auditServiceAccounts, clientCaFile } = nodes
  if (nodes.trust === 'token')
    return {
      trust: sharedTokenTrust({ token, needsCertificate: clientCaFile !== null }),
      confirm: () => Promise.resolve(),
    }
  const accounts = { audience, node: serviceAccounts, audit: auditServiceAccounts }
  const trust = tokenReviewTrust({ accounts, kubernetes, nowMs: Date.now })
  return { trust, confirm: trust.confirm }
}
