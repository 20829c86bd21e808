/** A live detector from a configuration, until it is asked to stop. */
import type { DetectorConfig } from '../../detector/config.ts'
import { LiveSource } from '../../detector/live-source.ts'
import { startDetector } from '../../detector/main.ts'
import { RulesRefused } from '../../detector/rules-in-force.ts'
import { isBpfFailure } from '../../detector/native.ts'
import { events } from '../../detector/events/schema.ts'
import { Judge } from '../../detector/judge/judge.ts'
import type { Detector, DetectorServices } from '../../detector/services.ts'
import { isFollowed } from '../../detector/state/apply.ts'
import { protectedPrograms } from '../../detector/verdicts/guard.ts'
import { hostMountNamespace } from '../../detector/verdicts/proc.ts'
import { openScope, type Scope, ScopeRefused } from '../../detector/scope/scope.ts'
import { createState } from '../../detector/state/state.ts'
import { CommandFailure, type Terminal } from '../terminal.ts'
import { openHands, ownProcesses } from './hands.ts'
import { type RunOptions, servicesOf, startRun } from './run.ts'

/** Outputs and the responder get two seconds for what is under way. */
const END_MS = 10_000

const needsRoot = 'run it as root (sudo riposte …); riposte doctor says what this machine lacks'

export async function runDetector(
  config: DetectorConfig,
  options: RunOptions,
  terminal: Terminal,
): Promise<void> {
  if (!terminal.isRoot) throw new CommandFailure('live detection needs root', needsRoot)
  const run = startRun(options, terminal)
  const scope = scopeOf(config)
  const state = createState({ covers: scope.covers })
  const ownPids = () => ownProcesses(run.isChild)
  const judge = new Judge({
    eventNames: events.map(({ name }) => name),
    isKept: isFollowed,
    isFiltering: true,
    guardedPrograms: [...protectedPrograms, ...config.riposte.protected_programs],
    hostMounts: Number(/\d+/.exec(hostMountNamespace())?.[0] ?? 0),
    ownPids,
  })
  const source = new LiveSource({
    nowNs: () => state.host.nowNs(),
    onAttached: (object) => {
      judge.bind(object)
    },
    scope,
  })
  const hands =
    config.riposte.responder.url === '' ? undefined : await openHands(config, ownPids, judge, scope)
  const detector = await start(config, { source, state, scope, hands, judge }, terminal)
  await run.until(detector, config)
  endAtLast(terminal)
  await detector.stop()
  await hands?.[Symbol.asyncDispose]()
  run.end()
}

function scopeOf({ riposte: { scope, cgroup_root: cgroupRoot } }: DetectorConfig): Scope {
  try {
    return openScope({ scope, cgroupRoot })
  } catch (error) {
    if (!(error instanceof ScopeRefused)) throw error
    throw new CommandFailure(`riposte.scope: ${error.message}`, 'riposte doctor says what it finds')
  }
}

/** Whatever hangs on the way out, a detector that nobody holds any more must not stay and strike. */
function endAtLast(terminal: Terminal): void {
  setTimeout(() => {
    terminal.say(`did not end within ${END_MS / 1000} s; ends now`)
    process.exit(1)
  }, END_MS).unref()
}

async function start(
  config: DetectorConfig,
  built: Pick<DetectorServices, 'source' | 'state' | 'scope' | 'hands' | 'judge'>,
  terminal: Terminal,
): Promise<Detector> {
  try {
    return await startDetector(config, { ...built, ...servicesOf(config, terminal) })
  } catch (error) {
    if (error instanceof RulesRefused) throw new CommandFailure(error.message)
    if (isBpfFailure(error))
      throw new CommandFailure(
        `the kernel refuses the programs (${error.code}): ${error.message}`,
        'riposte doctor says what this machine lacks',
      )
    throw error
  }
}
