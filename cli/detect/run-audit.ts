/** A detector of Kubernetes audit from a configuration: until it is asked to stop, or its file ends. */
import { readFileSync } from 'node:fs'
import { type AuditDetector, startAuditDetector } from '../../detector/audit/detector.ts'
import type { AuditDoor } from '../../detector/audit/settings.ts'
import { AuditSourceError } from '../../detector/audit/source.ts'
import { keepReadyFile } from '../../detector/ready-file.ts'
import type { DetectorConfig } from '../../detector/config.ts'
import { RulesRefused } from '../../detector/rules-in-force.ts'
import { createHost } from '../../detector/state/host.ts'
import { sayProblems } from '../problems.ts'
import { childMark, stopAsked } from '../stop-signal.ts'
import { CommandFailure, type Terminal } from '../terminal.ts'
import { version } from '../version.ts'
import { withoutOwnWords } from './own-words.ts'
import { matchSummary } from './summary.ts'

export async function runAudit(
  config: DetectorConfig,
  door: AuditDoor,
  { afterSeconds }: { readonly afterSeconds: number | undefined },
  terminal: Terminal,
): Promise<void> {
  const isChild = process.connected || terminal.environment[childMark] !== undefined
  const stopping = stopAsked({ afterSeconds, isChild })
  try {
    const detector = await start(config, door, terminal)
    process.on('SIGHUP', () => {
      detector.reload()
    })
    process.on('SIGUSR1', () => {
      detector.reopenOutputs()
    })
    const ready = keepReadyFile(config.riposte.ready_file)
    if (process.connected) process.send?.({ kind: 'ready' })
    else if (!isChild) terminal.say('ready')
    await Promise.race([stopping, detector.ended])
    ready[Symbol.dispose]()
    await detector.stop()
    if (door.kind === 'file' && !door.isFollowed) terminal.print(matchSummary(detector.matched()))
  } catch (error) {
    if (error instanceof RulesRefused || error instanceof AuditSourceError)
      throw new CommandFailure(error.message)
    throw error
  }
  if (isChild && process.connected) process.disconnect()
}

function start(
  config: DetectorConfig,
  door: AuditDoor,
  terminal: Terminal,
): Promise<AuditDetector> {
  const tokenFile = config.riposte.responder.token_file
  return startAuditDetector(config, door, {
    host: createHost(terminal.environment),
    version,
    token: () => (tokenFile === '' ? '' : readFileSync(tokenFile, 'utf8').trim()),
    say: (line) => {
      terminal.say(line)
    },
    explain: (problems) => {
      sayProblems(withoutOwnWords(problems), terminal, 0)
    },
    environment: terminal.environment,
    random: Math.random,
  })
}
