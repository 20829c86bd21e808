/** How nodes are believed, by configuration. */
import type { ResponderConfig } from '../config.ts'
import { Refused } from '../http/reply.ts'
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
  onRefused: (code: string) => void,
): Trusting {
  const { audience, serviceAccounts, auditServiceAccounts, clientCaFile } = nodes
  if (nodes.trust === 'token')
    return {
      trust: counted(
        sharedTokenTrust({ token, needsCertificate: clientCaFile !== null }),
        onRefused,
      ),
      confirm: () => Promise.resolve(),
    }
  const accounts = { audience, node: serviceAccounts, audit: auditServiceAccounts }
  const trust = tokenReviewTrust({ accounts, kubernetes, nowMs: Date.now })
  return { trust: counted(trust, onRefused), confirm: trust.confirm }
}

/** A node that is forged, or a detector that is set up wrongly, shows in the metrics by the refusal's code. */
function counted(trust: NodeTrust, onRefused: (code: string) => void): NodeTrust {
  const watched =
    <Given extends unknown[], Answer>(ask: (...given: Given) => Promise<Answer>) =>
    async (...given: Given): Promise<Answer> => {
      try {
        return await ask(...given)
      } catch (error) {
        if (error instanceof Refused) onRefused(error.code)
        throw error
      }
    }
  return {
    identify: watched(trust.identify),
    vouch: watched(trust.vouch),
    vouchAmendments: watched(trust.vouchAmendments),
    degraded: trust.degraded,
  }
}
