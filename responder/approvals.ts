/** Approvals: people decide on one plan of one step. */
import type { Approval, ApprovalStatus, Vote } from './approval.ts'
import { canonical } from './ledger/canonical.ts'
import { endWaiting } from './ledger/endings.ts'
import type { Ledger, Writing } from './ledger/open.ts'
import { findStep } from './ledger/steps.ts'
import { findApproval, latestApproval } from './ledger/votes.ts'
import { digest, type Step } from './step.ts'

/** Somebody who is known to have logged in. */
interface Voter {
  readonly name: string
  readonly groups: readonly string[]
}

export interface Ballot {
  readonly approvalId: string
  readonly voter: Voter
  readonly choice: Vote['choice']
  readonly reason: string
  readonly channel: string
}

/**
 * counted: more votes are needed · approved, denied: this vote decided · the others changed nothing, and `message`
 * says why to the person.
 */
export interface VoteResult {
  readonly kind:
    | 'counted'
    | 'approved'
    | 'denied'
    | 'unknown'
    | 'already_decided'
    | 'already_voted'
    | 'not_allowed'
    | 'reason_required'
  readonly message: string
  readonly approval: Approval | null
}

/** Asks people about this plan. A plan that changed voids what was asked before, within the time of the first. */
export async function askPeople(
  writing: Writing,
  step: Step,
  detail: string,
  planHash: string,
): Promise<Approval | null> {
  const { approve } = step.terms
  if (approve === null) return null
  const before = await latestApproval(writing, step.id)
  if (before?.status === 'pending' && before.planHash === planHash) return before
  if (before !== null) await voidApproval(writing, before, 'the plan has changed')
  const id = `a${digest({ step: step.id, planHash, before: before?.id ?? null }).slice(0, 32)}`
  const expiresMs = before?.expiresMs ?? writing.nowMs + approve.timeoutMs
  await writing.rows
    .insertInto('approvals')
    .values({
      id,
      step_id: step.id,
      case_id: step.caseId,
      policy: step.policy,
      action: step.action,
      target_name: step.target.name,
      plan_hash: planHash,
      detail,
      terms: canonical(approve),
      status: 'pending',
      decision: null,
      created_ms: writing.nowMs,
      expires_ms: expiresMs,
      decided_ms: null,
      told_ms: approve.channels.length === 0 ? writing.nowMs : null,
    })
    .execute()
  const body = { approval: id, planHash, detail, expiresMs }
  await writing.audit({ kind: 'approval_asked', subject: step.id, body })
  return findApproval(writing, id)
}

/** The first terminal decision wins; every vote that is taken is stored, every refused one is in the audit. */
export const vote = (ledger: Ledger, ballot: Ballot): Promise<VoteResult> =>
  ledger.write(async (writing) => {
    const approval = await findApproval(writing, ballot.approvalId)
    if (approval === null)
      return { kind: 'unknown', message: `no approval ${ballot.approvalId}`, approval }
    const objection = objectionTo(ballot, approval, writing.nowMs)
    const { voter, choice, reason, channel } = ballot
    const body = { approval: approval.id, person: voter.name, choice, reason, channel }
    if (objection !== null) {
      await writing.audit({
        kind: 'vote_refused',
        subject: approval.stepId,
        body: { ...body, objection: objection.kind },
      })
      return { ...objection, approval }
    }
    await writing.rows
      .insertInto('votes')
      .values({
        approval_id: approval.id,
        person: voter.name,
        choice,
        reason,
        channel,
        at_ms: writing.nowMs,
      })
      .execute()
    await writing.audit({ kind: 'vote', subject: approval.stepId, body })
    return count(writing, approval, ballot)
  })

function objectionTo(
  { voter, reason }: Ballot,
  approval: Approval,
  nowMs: number,
): Pick<VoteResult, 'kind' | 'message'> | null {
  const { terms, status } = approval
  if (status !== 'pending')
    return { kind: 'already_decided', message: approval.decision ?? `already ${status}` }
  if (nowMs >= approval.expiresMs) return { kind: 'already_decided', message: 'its time is over' }
  if (terms.notAllowed.includes(voter.name))
    return { kind: 'not_allowed', message: `${voter.name} is a party to this` }
  const names = [voter.name, ...voter.groups.map((group) => `group:${group}`)]
  if (terms.from.length > 0 && !terms.from.some((name) => names.includes(name)))
    return { kind: 'not_allowed', message: `only ${terms.from.join(', ')} may vote` }
  if (terms.isReasonRequired && reason.trim() === '')
    return { kind: 'reason_required', message: 'say why: the policy asks for a reason' }
  if (approval.votes.some(({ person }) => person === voter.name))
    return { kind: 'already_voted', message: `${voter.name} has voted` }
  return null
}

async function count(writing: Writing, before: Approval, ballot: Ballot): Promise<VoteResult> {
  const approval = (await findApproval(writing, before.id)) ?? before
  const { terms, votes } = approval
  const same = votes.filter(({ choice }) => choice === ballot.choice).length
  const needed = ballot.choice === 'deny' ? terms.denyQuorum : terms.quorum
  if (same < needed)
    return { kind: 'counted', message: `${same} of ${needed} to ${ballot.choice}`, approval }
  const status = ballot.choice === 'deny' ? 'denied' : 'approved'
  const decision = `${status} by ${votes
    .filter(({ choice }) => choice === ballot.choice)
    .map(({ person }) => person)
    .join(', ')}`
  await decide(writing, approval, status, decision)
  if (status === 'denied') {
    const detail = ballot.reason === '' ? decision : `${decision}: ${ballot.reason}`
    await endWaiting(writing, approval.stepId, ['held'], { status, code: 'approval', detail })
  } else await letGo(writing, approval.stepId)
  return { kind: status, message: decision, approval: await findApproval(writing, approval.id) }
}

async function decide(
  { rows, nowMs, audit }: Writing,
  approval: Approval,
  status: ApprovalStatus,
  decision: string,
): Promise<void> {
  const result = await rows
    .updateTable('approvals')
    .set({ status, decision, decided_ms: nowMs })
    .where('id', '=', approval.id)
    .where('status', 'in', status === 'void' ? ['pending', 'approved'] : ['pending'])
    .executeTakeFirst()
  if (result.numUpdatedRows === 0n) return
  const body = { approval: approval.id, status, decision, planHash: approval.planHash }
  await audit({ kind: 'approval_decided', subject: approval.stepId, body })
}

const voidApproval = (writing: Writing, approval: Approval, why: string) =>
  decide(writing, approval, 'void', why)

/** Approved: it may begin now, and its deadline counts from now. */
async function letGo({ rows, nowMs }: Writing, stepId: string): Promise<void> {
  const step = await findStep({ rows }, stepId)
  if (step === undefined) return
  await rows
    .updateTable('steps')
    .set({
      status: 'ready',
      not_before_ms: nowMs,
      deadline_at_ms: nowMs + step.terms.deadlineMs,
      attempt: 0,
    })
    .where('id', '=', stepId)
    .where('status', '=', 'held')
    .execute()
}

/** Nobody decided in time: denied, which nothing of Riposte ever turns into a yes. Returns the steps that ended. */
export async function expireApprovals(ledger: Ledger): Promise<readonly Step[]> {
  const due = await ledger.rows
    .selectFrom('approvals')
    .select('id')
    .where('status', '=', 'pending')
    .where('expires_ms', '<=', ledger.clock.nowMs())
    .limit(100)
    .execute()
  const ended: Step[] = []
  for (const { id } of due) {
    const step = await ledger.write((writing) => expire(writing, id))
    if (step !== undefined) ended.push(step)
  }
  return ended
}

async function expire(writing: Writing, id: string): Promise<Step | undefined> {
  const approval = await findApproval(writing, id)
  if (approval?.status !== 'pending') return undefined
  const detail = `nobody decided within ${approval.terms.timeoutMs / 1000} s`
  await decide(writing, approval, 'expired', detail)
  return endWaiting(writing, approval.stepId, ['held'], {
    status: 'expired',
    code: 'approval',
    detail,
  })
}

/** Takes a step back; possible until its effect begins. */
export const cancelStep = (
  ledger: Ledger,
  stepId: string,
  who: { readonly by: string; readonly reason: string },
): Promise<Step | undefined> =>
  ledger.write(async (writing) => {
    const approval = await latestApproval(writing, stepId)
    const detail = `taken back by ${who.by}${who.reason === '' ? '' : `: ${who.reason}`}`
    const outcome = { status: 'cancelled', code: 'cancelled', detail } as const
    const step = await endWaiting(writing, stepId, ['ready', 'held', 'claimed'], outcome)
    if (step !== undefined && approval !== null) await voidApproval(writing, approval, detail)
    return step
  })
