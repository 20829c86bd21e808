import { nodeAction } from './node-action.ts'

export const runProgram = nodeAction({
  name: 'run_program',
  summary:
    "Runs a program from the node's allow-list on the node, never through a shell, under a deadline, its output captured.",
  risk: 'disrupt',
  capabilities: [],
  undo: null,
})
