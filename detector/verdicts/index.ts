/** Every action that a node executes. Adding one is its file and its line here. */
import type { NodeAction } from './action.ts'
import { blockNetwork } from './block-network.ts'
import { capturePod } from './capture-pod.ts'
import { captureSnapshot } from './capture-snapshot.ts'
import { freeze } from './freeze.ts'
import { killProcess } from './kill-process.ts'
import { quarantineFile } from './quarantine-file.ts'
import { runProgram } from './run-program.ts'

export const nodeActions: readonly NodeAction[] = [
  killProcess,
  freeze,
  blockNetwork,
  quarantineFile,
  runProgram,
  captureSnapshot,
  capturePod,
]

export const findNodeAction = (name: string): NodeAction | undefined =>
  nodeActions.find((action) => action.name === name)
