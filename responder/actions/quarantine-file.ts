import { nodeAction } from './node-action.ts'

export const quarantineFile = nodeAction({
  name: 'quarantine_file',
  summary:
    "Moves a regular file into the node's quarantine with its SHA-256, owner, mode, times and extended attributes; follows no link.",
  risk: 'contain',
  capabilities: ['DAC_OVERRIDE', 'FOWNER', 'CHOWN'],
  undo: 'puts the file back as it was, unless something is there now',
})
