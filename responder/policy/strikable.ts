/** Which kills the kernel can carry out inside the offending call: those that wait for nothing and nobody. */
import type { Rung } from './policy.ts'

/** Nothing is asked and nothing awaited before the rung: no condition, no approval, no required rung. */
export const isOpen = ({
  when,
  approve,
  isWaiting,
}: {
  readonly when: unknown
  readonly approve: Rung['approve']
  readonly isWaiting: boolean
}) => when === null && approve === undefined && !isWaiting

export const isKill = (action: string, parameters: Readonly<Record<string, unknown>>) =>
  action === 'kill_process' && (parameters['signal'] ?? 'KILL') === 'KILL'
