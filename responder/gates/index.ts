/** The gates in their order (design 10). A new gate is a function and its place here. */
import { approvalHolds } from './approval.ts'
import { breaker, fuse } from './breaker.ts'
import { cooldown } from './cooldown.ts'
import { enabled } from './enabled.ts'
import type { GateReport } from '../outcome.ts'
import type { Answer, Gate, Situation } from './gate.ts'
import { protectedTargets } from './guard.ts'
import { killSwitch } from './kill-switch.ts'
import { limits } from './limits.ts'
import { lock } from './lock.ts'
import { mode } from './mode.ts'
import { target } from './target.ts'

/** Asked before `plan` too, so that nobody is asked about what may not happen anyway. */
const beforePlan: readonly Gate[] = [killSwitch, enabled, protectedTargets, mode]

const gates: readonly Gate[] = [
  ...beforePlan,
  target,
  cooldown,
  limits,
  fuse,
  breaker,
  approvalHolds,
  lock,
]

export interface Asked {
  /** The first gate that did not let the step pass; null when all did. */
  readonly stopped: (Answer & { readonly gate: string }) | null
  /** What each gate said, as far as they were asked. */
  readonly reports: readonly GateReport[]
}

export const askBeforePlan = (situation: Situation): Asked => ask(beforePlan, situation)
export const askAll = (situation: Situation): Asked => ask(gates, situation)

function ask(asked: readonly Gate[], situation: Situation): Asked {
  const reports: GateReport[] = []
  for (const { name, ask: question } of asked) {
    const answer = question(situation)
    reports.push({ gate: name, answer: answer.answer, reason: answer.reason })
    if (answer.answer !== 'pass') return { stopped: { ...answer, gate: name }, reports }
  }
  return { stopped: null, reports }
}
