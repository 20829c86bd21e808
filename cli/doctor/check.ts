/** What `riposte doctor` asks of this machine. A check is one row; it reads, and changes nothing. */

import type { Scope } from '../../detector/scope/scope.ts'

export interface Finding {
  readonly name: string
  /** problem: detection or the responder cannot work · warning: something works less well. */
  readonly level: 'ok' | 'warning' | 'problem'
  readonly found: string
  /** What to do about it; null when nothing needs doing. */
  readonly remedy: string | null
}

export interface Machine {
  /** Content of a small file, or undefined when it cannot be read. */
  readonly read: (path: string) => string | undefined
  readonly exists: (path: string) => boolean
  /** First program of this name on PATH. */
  readonly which: (program: string) => string | undefined
  readonly isRoot: boolean
  readonly data: string
  /** Bytes free where the data directory is or will be. */
  readonly freeBytes: () => number
  readonly projectRoot: string
  /** What a detector here would speak for. Throws ScopeRefused. */
  readonly scope: () => Pick<Scope, 'name' | 'level'>
}

export type Check = (machine: Machine) => Omit<Finding, 'name'>

export const ok = (found: string) => ({ level: 'ok' as const, found, remedy: null })
export const warning = (found: string, remedy: string) => ({
  level: 'warning' as const,
  found,
  remedy,
})
export const problem = (found: string, remedy: string) => ({
  level: 'problem' as const,
  found,
  remedy,
})
