/** The target is the one that was judged, and there is something to do: what `plan` found. */
import { pass, refuse, type Gate } from './gate.ts'

export const target: Gate = {
  name: 'target',
  ask: ({ step, planned }) =>
    step.kind === 'undo' || planned?.kind === 'change'
      ? pass
      : refuse(planned?.detail ?? 'the action was not asked for its plan'),
}
