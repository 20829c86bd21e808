/** One step at a time changes a target. */
import { pass, wait, type Gate } from './gate.ts'

export const lock: Gate = {
  name: 'lock',
  ask: ({ step, lockedBy }) =>
    lockedBy === null ? pass : wait(`step ${lockedBy} is working on ${step.target.name}`),
}
