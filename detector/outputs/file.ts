/** Falco's file_output: appended, mode 0600, opened again on SIGUSR1. */
import { LinesDestination } from './lines.ts'
import type { OutputKind } from './output.ts'
import { QueuedOutput } from './queued.ts'

export const file: OutputKind = {
  name: 'file',
  isEnabled: (config) => config.file_output.enabled,
  open({ config, limits }) {
    const { filename, keep_alive: keepAlive } = config.file_output
    return new QueuedOutput(
      new LinesDestination({ name: 'file', path: filename, keepAlive }),
      limits,
    )
  },
}
