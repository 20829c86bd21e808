/** Signals by pidfd: the descriptor is opened first and the start time read after, so a reused pid is never hit. */
import { closeSync } from 'node:fs'
import { constants } from 'node:os'
import { pidfdOpen, pidfdSendSignal } from '../native.ts'
import { errorCode, find, type ProcessRef } from './proc.ts'

export type SignalName =
  'SIGKILL' | 'SIGTERM' | 'SIGINT' | 'SIGHUP' | 'SIGQUIT' | 'SIGSTOP' | 'SIGCONT'

/**
 * False when the process is gone. The reference is older than the descriptor: if it still names a running process after
 * the descriptor was opened, it named the same one at the opening, so the descriptor is its.
 */
export function signal(ref: ProcessRef, name: SignalName): boolean {
  const pidfd = openOrGone(ref.pid)
  if (pidfd === undefined) return false
  try {
    if (find(ref) === undefined) return false
    pidfdSendSignal(pidfd, constants.signals[name])
    return true
  } catch (error) {
    if (errorCode(error) === 'ESRCH') return false
    throw error
  } finally {
    closeSync(pidfd)
  }
}

function openOrGone(pid: number): number | undefined {
  try {
    return pidfdOpen(pid)
  } catch (error) {
    // EINVAL and ENOENT: the pid is now a thread's, so the process that had it is gone.
    if (['ESRCH', 'EINVAL', 'ENOENT'].includes(errorCode(error))) return undefined
    throw error
  }
}
