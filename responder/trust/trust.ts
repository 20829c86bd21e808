/** Who may speak for a node, and of what. The node routes ask this and nothing else. */
import type { FastifyRequest } from 'fastify'
import type { Alert, Amendment } from '../../contract/alert.ts'
import { nodeHeader } from '../../contract/verdict.ts'
import { Refused } from '../http/reply.ts'

/** node: a detector that watches its kernel · audit: one that takes the API server's audit events. */
export interface NodeCaller {
  readonly kind: 'node' | 'audit'
  readonly node: string
}

export interface NodeTrust {
  /** Throws Refused: 400 without a name, 401 or 403 when it is not who it says, 503 when nobody can tell now. */
  readonly identify: (request: FastifyRequest) => Promise<NodeCaller>
  /** What may be believed of the alerts; throws Refused 403 when the caller may not say one of them. */
  readonly vouch: (caller: NodeCaller, alerts: readonly Alert[]) => Promise<readonly Alert[]>
  readonly vouchAmendments: (
    caller: NodeCaller,
    amendments: readonly Amendment[],
  ) => Promise<readonly Amendment[]>
  /** One sentence for each thing that is not as it should be (I9). */
  readonly degraded: () => readonly string[]
}

/** The node that a request says it comes from; whoever trusts it has to check. */
export function claimedNode({ headers }: FastifyRequest): string {
  const node = headers[nodeHeader]
  if (typeof node === 'string' && /^[\w.-]{1,253}$/.test(node)) return node
  throw new Refused(400, 'no_node', `the header ${nodeHeader} must name the node`)
}

export function refuseOther({ node }: NodeCaller, named: string): void {
  if (named !== node) throw new Refused(403, 'other_node', `${node} may not speak for ${named}`)
}

/** Orders wait by this name: what takes audit events must not fetch the orders of the detector beside it. */
export const hubName = ({ kind, node }: NodeCaller) => (kind === 'node' ? node : `${node}/audit`)
