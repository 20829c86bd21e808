import { schedulingAction } from './scheduling-action.ts'

export const cordonNode = schedulingAction({
  name: 'cordon_node',
  summary: 'Keeps new pods off the node; what runs there goes on.',
  isCordoned: true,
  undoes: 'lets the node take pods again',
})
