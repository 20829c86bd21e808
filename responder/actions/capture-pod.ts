import { nodeAction } from './node-action.ts'

export const capturePod = nodeAction({
  name: 'capture_pod',
  summary:
    'Writes what the processes of the pod do, what its containers changed, and its packets for some seconds, with a SHA-256 manifest; no image is pulled and no pod made.',
  risk: 'observe',
  target: 'pod',
  capabilities: ['DAC_READ_SEARCH', 'NET_ADMIN'],
  isEvidence: true,
  undo: null,
})
