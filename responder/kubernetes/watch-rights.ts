/** Compares what this responder may do with what its policies ask for, both ways, again and again: roles change. */
import type { Action } from '../actions/action.ts'
import { allPolicies, type InForce } from '../policy/in-force.ts'
import { Rounds } from '../rounds.ts'
import { messageOf } from '../errors.ts'
import type { Cluster } from './open.ts'
import { ownRights } from './own-rights.ts'
import { missingRights, rightsBeyond } from './rights.ts'

export interface RightsWatchParts {
  readonly cluster: Cluster
  /** Those that may be carried out here. */
  readonly actions: readonly Action[]
  /** Where its Roles hold; empty: everywhere. */
  readonly namespaces: readonly string[]
  readonly inForce: () => InForce
  readonly log: (message: string) => void
}

export interface RightsWatch extends AsyncDisposable {
  /** What enabled actions lack. What is granted beyond need degrades nothing: it is logged once. */
  readonly degraded: () => readonly string[]
}

const everyMs = 30_000

export function watchRights({
  cluster,
  actions,
  namespaces,
  inForce,
  log,
}: RightsWatchParts): RightsWatch {
  let missing: readonly string[] = []
  let said = ''
  const stopping = new AbortController()
  const look = async () => {
    const kubernetes = cluster.within(
      AbortSignal.any([stopping.signal, AbortSignal.timeout(everyMs)]),
    )
    const enabled = enabledOf(actions, inForce())
    missing = await missingRights(kubernetes, enabled, namespaces.length > 0 ? namespaces : [null])
    const namespace = namespaces[0] ?? cluster.own.namespace ?? 'default'
    const [beyond = ''] = await rightsBeyond(kubernetes, enabled, ownRights, namespace)
    if (beyond !== said && beyond !== '') log(beyond)
    said = beyond
  }
  // That the API server is away is said elsewhere.
  const onFailure = (message: string) => {
    if (cluster.degraded().length === 0) log(`rights cannot be compared: ${message}`)
  }
  const rounds = new Rounds(onFailure)
  let first = Promise.resolve()
  if (cluster.isConfigured) {
    first = look().catch((error: unknown) => {
      if (!stopping.signal.aborted) onFailure(messageOf(error))
    })
    rounds.every(everyMs, look)
  }
  return {
    degraded: () => missing,
    [Symbol.asyncDispose]: async () => {
      stopping.abort()
      await first
      await rounds[Symbol.asyncDispose]()
    },
  }
}

/** Those that a policy names. What rules ask for by themselves is in audit, and says itself when it may not. */
function enabledOf(actions: readonly Action[], inForce: InForce): readonly Action[] {
  const named = new Set(
    allPolicies(inForce).flatMap(({ ladder }) =>
      ladder.flatMap((rung) => rung.actions.map(({ name }) => name)),
    ),
  )
  return actions.filter(({ name }) => named.has(name))
}
