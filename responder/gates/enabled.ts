/** What this installation may not do is said so, rather than tried and refused by the API server or the node. */
import { pass, refuse, type Gate } from './gate.ts'

export const enabled: Gate = {
  name: 'enabled',
  ask: ({ step, enabledActions }) =>
    enabledActions === null || step.kind === 'undo' || enabledActions.includes(step.action)
      ? pass
      : refuse(`${step.action} is not enabled here (actions.enabled)`),
}
