/** Compares what this responder may do with what its policies ask for, both ways, again and again: roles change. */
import { riskClasses, type Action, type Risk } from '../actions/action.ts'
import { Forbidden } from '../actions/errors.ts'
import { allPolicies, type InForce } from '../policy/in-force.ts'
import { Rounds } from '../rounds.ts'
import { messageOf } from '../errors.ts'
import type { Right } from './kubernetes.ts'
import type { Cluster } from './open.ts'
import { ownRights } from './own-rights.ts'
import { missingRights, rightsBeyond, type Wanted } from './rights.ts'

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
    const signal = AbortSignal.any([stopping.signal, AbortSignal.timeout(everyMs)])
    const found = await Promise.all(
      holdersOf(cluster, actions, enabledOf(actions, inForce())).map((holder) =>
        compare(cluster, holder, namespaces, signal),
      ),
    )
    missing = found.flatMap((each) => each.missing)
    const beyond = found.flatMap((each) => each.beyond).join('; ')
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

/** An account, and what it needs its rights for. */
interface Holder {
  /** Undefined: the responder's own. */
  readonly risk: Risk | undefined
  readonly account: string | null
  readonly actions: readonly (Action & Wanted)[]
  readonly own: readonly Omit<Right, 'namespace'>[]
}

function holdersOf(
  { accountOf }: Cluster,
  actions: readonly Action[],
  enabled: readonly (Action & Wanted)[],
): readonly Holder[] {
  const isShared = accountOf('observe') === null
  const own = { risk: undefined, account: null, actions: isShared ? enabled : [], own: ownRights }
  const classes = riskClasses.filter(
    (risk) => !isShared && actions.some((action) => action.risk === risk && action.rbac.length > 0),
  )
  return [
    own,
    ...classes.map((risk) => ({
      risk,
      account: accountOf(risk),
      actions: enabled.filter((action) => action.risk === risk && action.rbac.length > 0),
      own: [],
    })),
  ]
}

async function compare(
  cluster: Cluster,
  { risk, account, actions, own }: Holder,
  namespaces: readonly string[],
  signal: AbortSignal,
): Promise<{ readonly missing: readonly string[]; readonly beyond: readonly string[] }> {
  const kubernetes = cluster.within(signal, risk)
  const namespace = namespaces[0] ?? cluster.own.namespace ?? 'default'
  try {
    const beyond = await rightsBeyond(kubernetes, actions, own, namespace)
    return {
      missing: await missingRights(
        kubernetes,
        actions,
        namespaces.length > 0 ? namespaces : [null],
      ),
      beyond: account === null ? beyond : beyond.map((said) => `${account} has ${said}`),
    }
  } catch (error) {
    if (!(error instanceof Forbidden) || account === null) throw error
    const missing = actions.map(({ name }) => `${name} will fail: no right to act as ${account}`)
    return { missing, beyond: [] }
  }
}

/** Those that a policy names. What rules ask for by themselves is in audit, and says itself when it may not. */
function enabledOf(actions: readonly Action[], inForce: InForce): readonly (Action & Wanted)[] {
  const named = allPolicies(inForce).flatMap(({ ladder }) => ladder.flatMap((rung) => rung.actions))
  return actions.flatMap((action) => {
    const asked = named.filter(({ name }) => name === action.name)
    return asked.length === 0
      ? []
      : [{ ...action, asked: asked.map(({ parameters }) => parameters) }]
  })
}
