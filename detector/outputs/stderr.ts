/** Alert lines on standard error, beside what the detector says there. */
import { InheritedDestination } from './lines.ts'
import type { OutputKind } from './output.ts'
import { QueuedOutput } from './queued.ts'

export const stderr: OutputKind = {
  name: 'stderr',
  isEnabled: (config) => config.riposte.stderr_output.enabled,
  open: ({ limits }) => new QueuedOutput(new InheritedDestination('stderr', 2), limits),
}
