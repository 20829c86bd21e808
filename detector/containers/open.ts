/** Builds identity from the configuration. */
import type { Amendment } from '../../contract/alert.ts'
import type { DetectorConfig } from '../config.ts'
import type { EventView } from '../events/view.ts'
import type { State } from '../state/state.ts'
import { Connections } from './connections.ts'
import { Identity } from './identity.ts'
import { candidates } from './sockets.ts'

export interface OpenIdentityOptions {
  readonly state: State
  readonly environment: NodeJS.ProcessEnv
  readonly random: () => number
  readonly deliver: (view: EventView) => void
  readonly send: (amendment: Amendment) => void
}

/** Libraries are loaded and runtimes spoken to before the first record comes. */
export async function openIdentity(
  config: DetectorConfig,
  { state, environment, deliver, send }: OpenIdentityOptions,
): Promise<Identity> {
  const connections = new Connections(
    candidates(config.container_engines, environment['HOST_ROOT'] ?? ''),
  )
  await connections.check()
  return new Identity({
    state,
    connections,
    pods: undefined,
    deliver,
    send,
    holdMs: config.riposte.identity.hold_ms,
    holdBytes: config.riposte.identity.hold_bytes,
    nowMs: () => performance.now(),
  })
}
