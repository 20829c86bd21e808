/** Stops everything above notify, whatever asked for it, but not what people undo by hand. */
import { pass, refuse, wait, type Gate } from './gate.ts'

export const killSwitch: Gate = {
  name: 'kill_switch',
  ask: ({ step, killSwitch: reason }) => {
    if (reason === null || step.risk === 'observe' || step.risk === 'notify') return pass
    if (step.kind === 'act') return refuse(`the kill switch is on: ${reason}`)
    // The switch is what people reach for when Riposte did harm: their undo is the way back. One that only its time
    // asked for stays pending, as the effect is still there.
    if (step.requestedBy !== null) return pass
    return wait(`the undo waits for the kill switch: ${reason}`)
  },
}
