/** A strike that a node reports is weighed like any kill: it counts, and the one too many opens the fuse. */
import { seconds } from '../policy/duration.ts'
import type { Outcome } from '../outcome.ts'
import type { StepDraft } from '../step.ts'
import { countStrikes } from './counts.ts'
import type { Writing } from './open.ts'
import { resetAtMs, trip } from './switches.ts'

/**
 * The node's own fuse counts its own strikes only; here they come together. In enforce the kill has happened and stays
 * `done`; in audit the one too many is what the gate would have suppressed.
 */
export async function weighStrike(writing: Writing, draft: StepDraft): Promise<Outcome | null> {
  const { recorded, policy, mode, terms } = draft
  if (recorded === null || !('effect' in recorded) || terms.fuse === null) return recorded
  const { max, perMs } = terms.fuse
  const sinceMs = Math.max(writing.nowMs - perMs, await resetAtMs(writing, policy))
  const before = await countStrikes(writing, draft, mode, { sinceMs, max })
  if (before < max) return recorded
  const reason = `the fuse of policy ${policy} allows ${max} kills within ${seconds(perMs)}`
  if (mode === 'audit')
    return { status: 'suppressed', code: 'fuse', detail: `${reason}; ${recorded.detail}` }
  await trip(writing, policy, reason)
  return recorded
}
