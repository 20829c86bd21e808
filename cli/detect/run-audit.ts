/** A detector of Kubernetes audit from a configuration: until it is asked to stop, or its file ends. */
import { startAuditDetector } from '../../detector/audit/detector.ts'
import type { AuditDoor } from '../../detector/audit/settings.ts'
import { AuditSourceError } from '../../detector/audit/source.ts'
import type { DetectorConfig } from '../../detector/config.ts'
import { RulesRefused } from '../../detector/rules-in-force.ts'
import { createHost } from '../../detector/state/host.ts'
import { CommandFailure, type Terminal } from '../terminal.ts'
import { type RunOptions, servicesOf, startRun } from './run.ts'
import { matchSummary } from './summary.ts'

export async function runAudit(
  config: DetectorConfig,
  door: AuditDoor,
  options: RunOptions,
  terminal: Terminal,
): Promise<void> {
  const run = startRun(options, terminal)
  const services = { ...servicesOf(config, terminal), host: createHost(terminal.environment) }
  try {
    const detector = await startAuditDetector(config, door, services)
    await run.until(detector, config, detector.ended)
    await detector.stop()
    if (door.kind === 'file' && !door.isFollowed) terminal.print(matchSummary(detector.matched()))
  } catch (error) {
    if (error instanceof RulesRefused || error instanceof AuditSourceError)
      throw new CommandFailure(error.message)
    throw error
  }
  run.end()
}
