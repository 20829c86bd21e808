/** Builds identity from the configuration. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Amendment } from '../../contract/alert.ts'
import type { DetectorConfig } from '../config.ts'
import type { EventView } from '../events/view.ts'
import type { State } from '../state/state.ts'
import { Connections } from './connections.ts'
import { Identity } from './identity.ts'
import type { Judge } from '../judge/judge.ts'
import type { Scope } from '../scope/scope.ts'
import { type ApiAccess, AccessRefused, fromKubeconfig, inCluster } from './kubernetes/access.ts'
import { Api } from './kubernetes/api.ts'
import { PodWatch } from './kubernetes/pod-watch.ts'
import { PodStrikes } from './pod-strikes.ts'
import { candidates } from './sockets.ts'

export interface OpenIdentityOptions {
  readonly state: State
  readonly scope: Pick<Scope, 'directory'>
  readonly judge: Judge | undefined
  readonly environment: NodeJS.ProcessEnv
  readonly random: () => number
  readonly deliver: (view: EventView) => void
  readonly send: (amendment: Amendment) => void
}

/** Libraries are loaded and runtimes spoken to before the first record comes. */
export async function openIdentity(
  config: DetectorConfig,
  { state, scope, judge, environment, random, deliver, send }: OpenIdentityOptions,
): Promise<Identity> {
  const connections = new Connections(
    candidates(config.container_engines, environment['HOST_ROOT'] ?? ''),
  )
  const access = accessTo(config, environment)
  const pods =
    access &&
    new PodWatch({
      api: new Api(access),
      node: config.node,
      random,
      onPod: (pod) => identity.podChanged(pod),
    })
  const strikes = judge && new PodStrikes({ root: scope.directory, pods: judge.pods })
  if (pods !== undefined) strikes?.expect()
  const identity = new Identity({
    state,
    connections,
    pods,
    strikes,
    deliver,
    send,
    holdMs: config.riposte.identity.hold_ms,
    holdBytes: config.riposte.identity.hold_bytes,
    nowMs: () => performance.now(),
  })
  await Promise.all([
    connections.check(),
    pods && Promise.race([pods.start(), sleep(FIRST_LIST_MS, undefined, { ref: false })]),
  ])
  return identity
}

/** A responder or API server that is away must not keep anything from being judged. */
const FIRST_LIST_MS = 2000

function accessTo(config: DetectorConfig, environment: NodeJS.ProcessEnv): ApiAccess | undefined {
  const { enabled, kubeconfig } = config.riposte.kubernetes
  if (enabled === 'never') return undefined
  if (kubeconfig !== '') return fromKubeconfig(kubeconfig)
  const access = inCluster(environment)
  if (access === undefined && enabled === 'always')
    throw new AccessRefused('riposte.kubernetes.enabled is always, and this is no pod with a token')
  return access
}
