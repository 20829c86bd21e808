import { schedulingAction } from './scheduling-action.ts'

export const uncordonNode = schedulingAction({
  name: 'uncordon_node',
  summary: 'Lets the node take pods again.',
  isCordoned: false,
  undoes: 'keeps new pods off the node again',
})
