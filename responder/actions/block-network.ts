import { nodeActionParameters } from '../../contract/node-actions.ts'
import { allowSchema, resolveHoles } from './network-holes.ts'
import { nodeAction } from './node-action.ts'

const node = nodeActionParameters.block_network
const parameters = node.extend({ allow: allowSchema })

export const blockNetwork = nodeAction({
  name: 'block_network',
  summary:
    'Cuts a process tree, a container or a pod off the network in both directions, open connections too, but for what is allowed.',
  risk: 'contain',
  capabilities: ['NET_ADMIN'],
  undo: 'lifts the block and moves the tree back to the cgroup it came from',
  parameters,
  async resolve(call, operation) {
    const { allow, allowPorts, scope } = parameters.parse(call.parameters)
    // What holds already is not asked for again: undo must not depend on who answers to a name now.
    if (operation === 'verify' || operation === 'undo') return node.parse({ scope })
    return node.parse({ scope, ...(await resolveHoles(allow, allowPorts, call.kubernetes)) })
  },
})
