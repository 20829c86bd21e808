/** Where `riposte run` keeps everything, and where other commands look for it. */
import { join } from 'node:path'
import type { Terminal } from './terminal.ts'

/** `--data`, RIPOSTE_DATA, /var/lib/riposte for root, ~/.local/state/riposte for others. */
export function dataDirectory(flag: string | undefined, { environment, isRoot }: Terminal): string {
  const named = flag ?? environment['RIPOSTE_DATA']
  if (named !== undefined && named !== '') return named
  if (isRoot) return '/var/lib/riposte'
  const state = environment['XDG_STATE_HOME'] ?? join(environment['HOME'] ?? '/tmp', '.local/state')
  return join(state, 'riposte')
}

/** The responder's door for this host: people by their uid, the detector by its token. */
export const apiSocket = (data: string) => join(data, 'api.sock')
