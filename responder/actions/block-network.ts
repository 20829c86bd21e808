import { nodeAction } from './node-action.ts'

export const blockNetwork = nodeAction({
  name: 'block_network',
  summary:
    'Cuts a process tree or a cgroup off the network in both directions, open connections too, but for the allowed addresses.',
  risk: 'contain',
  capabilities: ['NET_ADMIN'],
  undo: 'lifts the block and moves the tree back to the cgroup it came from',
})
