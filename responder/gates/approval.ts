/** People approved exactly this plan. */
import { hold, pass, passBecause, refuse, type Gate } from './gate.ts'
import { acts } from './mode.ts'

export const approvalHolds: Gate = {
  name: 'approval',
  ask: (situation) => {
    const { step, approval, planHash } = situation
    const { approve } = step.terms
    if (approve === null || step.kind === 'undo') return pass
    const people = approve.from.length === 0 ? 'people' : `of ${approve.from.join(', ')}`
    if (!acts(situation)) return passBecause(`would ask for ${approve.quorum} ${people} to approve`)
    if (approval === null) return hold(`${approve.quorum} ${people} must approve`)
    if (approval.status === 'denied' || approval.status === 'expired')
      return refuse(`approval ${approval.id} was ${approval.status}`)
    if (approval.planHash !== planHash) return hold('the plan has changed since people were asked')
    return approval.status === 'approved' ? pass : hold(`approval ${approval.id} is pending`)
  },
}
