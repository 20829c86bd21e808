/** Every action there is. Adding one is its file and its line here. */
import type { Action } from './action.ts'
import { blockNetwork } from './block-network.ts'
import { captureSnapshot } from './capture-snapshot.ts'
import { freeze } from './freeze.ts'
import { killProcess } from './kill-process.ts'
import { notifySecurityTeam } from './notify-security-team.ts'
import { notify } from './notify.ts'
import { quarantineFile } from './quarantine-file.ts'
import { runProgram } from './run-program.ts'

export const actions: readonly Action[] = [
  captureSnapshot,
  notify,
  notifySecurityTeam,
  killProcess,
  freeze,
  blockNetwork,
  quarantineFile,
  runProgram,
]
