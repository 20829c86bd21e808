/** What has become of a rung: its steps' endings folded into one word, the gravest first. */
import type { Step } from '../step.ts'
import { rungStatuses, type CaseView, type RungStatus } from './case-condition.ts'
import type { Case } from '../case.ts'

const gravest: readonly RungStatus[] = [
  'failed',
  'denied',
  'expired',
  'conflict',
  'cancelled',
  'suppressed',
  'done_unverified',
  'would',
  'done',
  'ignored',
]

function rungStatus(steps: readonly Step[]): RungStatus {
  const acts = steps.filter(({ kind }) => kind === 'act')
  if (acts.length === 0) return 'none'
  if (acts.some(({ status }) => status === 'held')) return 'held'
  if (acts.some(({ status }) => status !== 'ended')) return 'running'
  const ends = new Set(
    acts.map(({ outcome }) => rungStatuses.find((known) => known === outcome?.status)),
  )
  return gravest.find((status) => ends.has(status)) ?? 'none'
}

/** The case as the conditions of rungs see it. */
export const viewCase = (
  found: Case,
  steps: readonly Step[],
  rungs: readonly string[],
): CaseView => ({
  count: found.count,
  ageMs: found.lastMs - found.firstMs,
  priority: found.priority,
  rungs: new Map(
    rungs.map((name) => [name, rungStatus(steps.filter(({ rung }) => rung === name))]),
  ),
})
