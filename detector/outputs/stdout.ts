/** Alert lines on standard output. */
import { InheritedDestination } from './lines.ts'
import type { OutputKind } from './output.ts'
import { QueuedOutput } from './queued.ts'

export const stdout: OutputKind = {
  name: 'stdout',
  isEnabled: (config) => config.stdout_output.enabled,
  open: ({ limits }) => new QueuedOutput(new InheritedDestination('stdout', 1), limits),
}
