/** Policies from objects, their status, and the views of what is live: all that kubectl shows of the responder. */
import { join } from 'node:path'
import type { Action } from '../actions/action.ts'
import { listContainments } from '../ledger/effects.ts'
import type { Ledger } from '../ledger/open.ts'
import { listTrips } from '../ledger/switches.ts'
import { listApprovals } from '../ledger/votes.ts'
import type { LivePolicies } from '../live-policies.ts'
import { findPolicy } from '../policy/in-force.ts'
import { Rounds } from '../rounds.ts'
import type { Cluster } from './open.ts'
import { watchPolicyResources } from './policy-resources.ts'
import { PolicyStatuses } from './policy-status.ts'
import { Views } from './views.ts'
import type { RightsWatch } from './watch-rights.ts'

export interface PolicyObjectsParts {
  readonly cluster: Cluster
  readonly actions: readonly Action[]
  /** Null: every one may be carried out. */
  readonly enabledActions: readonly string[] | null
  readonly data: string
  readonly ledger: Ledger
  readonly policies: LivePolicies
  readonly rights: RightsWatch
  readonly log: (message: string) => void
}

/** How old what kubectl shows may be. */
const lookMs = 1000
const callsMs = 20_000
const shownAtMost = 500

export async function openPolicyObjects(parts: PolicyObjectsParts): Promise<AsyncDisposable> {
  const { cluster, actions, enabledActions, data, ledger, policies, rights, log } = parts
  await using stack = new AsyncDisposableStack()
  const config = cluster.kubeConfig()
  if (config === null) return stack.move()
  const resources = stack.use(
    await watchPolicyResources({
      config,
      actions,
      lastGoodFile: join(data, 'policy-objects.json'),
      onChange: () => {
        policies.objectsChanged()
      },
    }),
  )
  policies.useObjects(resources)
  const stopping = new AbortController()
  stack.defer(() => {
    stopping.abort()
  })
  const kubernetes = () =>
    cluster.within(AbortSignal.any([stopping.signal, AbortSignal.timeout(callsMs)]))
  let trips: ReadonlyMap<string, string> = new Map()
  const whyDegraded = (name: string) =>
    trips.get(name) ??
    findPolicy(policies.inForce(), name)
      ?.ladder.flatMap((rung) => rung.actions)
      .flatMap(({ name: action }) =>
        enabledActions?.includes(action) === false
          ? [`${action} is not enabled here (actions.enabled)`]
          : rights.degraded().filter((said) => said.startsWith(`${action} `)),
      )
      .at(0) ??
    null
  const statuses = new PolicyStatuses({
    kubernetes,
    facts: { modeOf: policies.modeOf, whyDegraded },
    nowMs: Date.now,
    log,
  })
  const views = new Views({
    kubernetes,
    namespace: cluster.own.namespace ?? 'default',
    containments: () => listContainments(ledger, { isLive: true, limit: shownAtMost }),
    approvals: () => listApprovals(ledger, { status: 'pending', limit: shownAtMost }),
    log,
  })
  const rounds = stack.use(new Rounds(log))
  rounds.every(lookMs, async () => {
    trips = new Map((await listTrips(ledger)).map(({ policy, reason }) => [policy, reason]))
    await statuses.write(resources.objects())
    await views.look()
  })
  return stack.move()
}
