import { nodeAction } from './node-action.ts'

export const captureSnapshot = nodeAction({
  name: 'capture_snapshot',
  summary:
    'Writes what the process is doing to the evidence folder, with a SHA-256 manifest; values of its environment are redacted.',
  risk: 'observe',
  capabilities: ['DAC_READ_SEARCH'],
  isEvidence: true,
  undo: null,
})
