/** Least of the mode that the step was planned in, the policy's mode now, and audit when its fuse is open. */
import { pass, passBecause, refuse, type Gate, type Situation } from './gate.ts'

export const mode: Gate = {
  name: 'mode',
  ask: (situation) => {
    const { step, policyMode, trip } = situation
    if (step.kind === 'undo') return pass
    if (policyMode === undefined) return refuse(`policy ${step.policy} is no longer loaded`)
    if (policyMode === 'off') return refuse(`policy ${step.policy} is off`)
    if (acts(situation)) return pass
    if (trip !== null) return passBecause(`audit, until a person resets the policy: ${trip}`)
    return passBecause(step.mode === 'audit' ? 'planned in audit' : 'the policy is in audit now')
  },
}

/** Whether the step is carried out, or ends as `would`. Telling people is not held back by audit. */
export const acts = ({ step, policyMode, trip }: Situation): boolean =>
  step.kind === 'undo' ||
  step.risk === 'notify' ||
  (step.mode === 'enforce' && policyMode === 'enforce' && trip === null)
