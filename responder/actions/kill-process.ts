import { nodeAction } from './node-action.ts'

export const killProcess = nodeAction({
  name: 'kill_process',
  summary:
    'Signals the process, its tree, its session or its container, by pidfd and start time; a tree is stopped first so that it cannot fork away.',
  risk: 'contain',
  capabilities: ['KILL'],
  undo: null,
})
