/** In Kubernetes: a detector is who the API server says its projected token belongs to, on the node of its pod. */
import type { Alert } from '../../contract/alert.ts'
import { ActionFailed, ActionRefused, TargetGone } from '../actions/errors.ts'
import type { Target } from '../actions/action.ts'
import { bearerOf } from '../http/bearer.ts'
import { Refused } from '../http/reply.ts'
import type { Kubernetes } from '../kubernetes/kubernetes.ts'
import { Pods } from './pods.ts'
import type { Accounts } from './token-claims.ts'
import { TokenReviews } from './token-reviews.ts'
import { claimedNode, refuseOther, type NodeTrust } from './trust.ts'
import { checkAlert, vouchPlaces } from './vouch.ts'

export interface TokenReviewParts {
  readonly accounts: Accounts
  readonly kubernetes: (signal: AbortSignal) => Pick<Kubernetes, 'get' | 'request'>
  readonly nowMs: () => number
}

export interface TokenReviewTrust extends NodeTrust {
  /** Before an action is planned on a pod; throws ActionRefused when it is not on the node that spoke of it. */
  readonly confirm: (alert: Alert, target: Target) => Promise<void>
}

const reviewMs = 5000
const reviewPath = '/apis/authentication.k8s.io/v1/tokenreviews'

export function tokenReviewTrust({
  accounts,
  kubernetes,
  nowMs,
}: TokenReviewParts): TokenReviewTrust {
  const review = (token: string) =>
    kubernetes(AbortSignal.timeout(reviewMs)).request('POST', reviewPath, {
      apiVersion: 'authentication.k8s.io/v1',
      kind: 'TokenReview',
      spec: { token, audiences: [accounts.audience] },
    })
  const reviews = new TokenReviews({ accounts, review, nowMs })
  const pods = new Pods(kubernetes, nowMs)
  return {
    async identify(request) {
      const token = bearerOf(request)
      if (token === null) throw new Refused(401, 'no_node_token', 'the node token is missing')
      const node = claimedNode(request)
      const caller = await reviews.callerOf(token)
      refuseOther(caller, node)
      return caller
    },
    async vouch(caller, alerts) {
      for (const alert of alerts) checkAlert(caller, alert)
      return vouchPlaces(caller, alerts, pods)
    },
    async vouchAmendments(caller, amendments) {
      for (const { node } of amendments) refuseOther(caller, node)
      if (caller.kind === 'audit' && amendments.length > 0)
        throw new Refused(403, 'other_source', 'a detector of audit events has nothing to amend')
      return vouchPlaces(caller, amendments, pods)
    },
    async confirm(alert, target) {
      const pod = alert.place?.pod
      if (target.kind !== 'pod' || !pod) return
      const found = await pods.find(pod)
      if (found === 'gone') throw new TargetGone(`${target.name} is gone`)
      if (found === 'unknown')
        throw new ActionFailed(`where ${target.name} runs cannot be asked now`, true)
      if (found.node !== alert.node)
        throw new ActionRefused(
          `${target.name} runs on ${found.node}, and ${alert.node} spoke of it`,
        )
    },
    degraded: () => [...reviews.degraded(), ...pods.degraded()],
  }
}
