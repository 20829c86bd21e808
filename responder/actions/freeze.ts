import { nodeAction } from './node-action.ts'

export const freeze = nodeAction({
  name: 'freeze',
  summary:
    'Stops a process, tree, session or container without ending it: cgroup freezer (v2 or v1) for a container, SIGSTOP otherwise.',
  risk: 'contain',
  capabilities: ['KILL'],
  undo: 'thaws exactly what it froze',
})
