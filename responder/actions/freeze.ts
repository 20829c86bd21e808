import { nodeAction } from './node-action.ts'

export const freeze = nodeAction({
  name: 'freeze',
  summary:
    'Stops a process, tree, session, container or pod without ending it: cgroup freezer (v2 or v1) for the last two, SIGSTOP otherwise.',
  risk: 'contain',
  capabilities: ['KILL'],
  undo: 'thaws exactly what it froze',
})
