/** The same action of the same policy is not repeated on the same target within the cooldown. */
import { seconds } from '../policy/duration.ts'
import { pass, refuse, type Gate } from './gate.ts'

export const cooldown: Gate = {
  name: 'cooldown',
  ask: ({ step, lastActedMs, nowMs }) => {
    const { cooldownMs } = step.terms
    if (step.kind === 'undo' || step.risk === 'notify' || lastActedMs === null) return pass
    const sinceMs = nowMs - lastActedMs
    if (sinceMs >= cooldownMs) return pass
    return refuse(
      `${step.action} was let through for ${step.target.name} ${seconds(sinceMs)} ago; cooldown is ${seconds(cooldownMs)}`,
    )
  },
}
