/** Too many kills, or too many failures, mean that the rule or the detector is wrong: audit until a person resets. */
import { seconds } from '../policy/duration.ts'
import { pass, refuse, type Gate } from './gate.ts'

/** Gates whose refusal opens the policy's breaker, not only the step's way. */
export const isTripping = (gate: string): boolean => gate === fuse.name || gate === breaker.name

export const fuse: Gate = {
  name: 'fuse',
  ask: ({ step, acts }) => {
    const { fuse: terms } = step.terms
    if (terms === null || step.kind === 'undo' || step.lane !== 'strike' || acts < terms.max)
      return pass
    return refuse(
      `the fuse of policy ${step.policy} allows ${terms.max} kills within ${seconds(terms.perMs)}`,
    )
  },
}

export const breaker: Gate = {
  name: 'breaker',
  ask: ({ step, failures }) => {
    const { breaker: terms } = step.terms
    if (terms === null || step.kind === 'undo' || step.risk === 'notify') return pass
    if (failures < terms.failures) return pass
    return refuse(
      `${failures} acts of policy ${step.policy} failed within ${seconds(terms.perMs)}; its breaker allows ${terms.failures - 1}`,
    )
  },
}
