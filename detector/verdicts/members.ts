/** Which processes a scope reaches: the one, its living descendants, or its session. */
import { z } from 'zod'
import type { ProcessIdentity } from '../../contract/alert.ts'
import { gone, refused } from './action.ts'
import { spare, type Guard } from './guard.ts'
import { pidsIn } from './cgroups.ts'
import {
  find,
  isDead,
  label,
  readStat,
  refOf,
  running,
  type ProcessRef,
  type ProcessStat,
} from './proc.ts'
import { signal } from './signals.ts'

export type Scope = 'process' | 'tree' | 'session'

export const processRefSchema = z.strictObject({
  pid: z.int().positive(),
  startTicks: z.int().nonnegative(),
  name: z.string(),
})

/** What a process action leaves in the ledger. */
export const processesEffectSchema = z.strictObject({
  processes: z.array(processRefSchema),
  /** Protected processes that the scope reached and that were left alone, with the reason. */
  spared: z.array(z.string()),
})
export type ProcessesEffect = z.infer<typeof processesEffectSchema>

/** A tree larger than this is a fork bomb; it is stopped in rounds all the same, but one round is bounded. */
const MAX_ROUNDS = 200

export interface Reach {
  readonly target: ProcessIdentity | null
  readonly scope: Scope
  /** Processes that an earlier plan named: they belong even if what tied them to the target is gone. */
  readonly planned: readonly ProcessRef[]
  readonly guard: Guard
  /** A container's directory: all that is in it is reached, whatever became of the target. */
  readonly cgroup?: string | undefined
}

export interface Members {
  readonly processes: ProcessStat[]
  readonly spared: string[]
}

/** One look. Throws target_gone when nothing of it runs, refused when the target itself is protected. */
export function membersNow(reach: Reach): Members {
  const members = look(reach)
  if (members.processes.length > 0) return members
  if (members.spared.length > 0) throw refused(members.spared.join(', '))
  throw gone(`${reach.target === null ? 'it' : label(refOf(reach.target))} does not run any more`)
}

/**
 * Looks, stops what is new, and looks again until nothing is: a stopped process cannot fork (copy_process returns
 * ERESTARTNOINTR while a signal is pending), so the last look has seen them all. On failure what was stopped goes on.
 */
export function stopMembers(reach: Reach): Members {
  const held = new Map<number, ProcessStat>()
  const spared = new Set<string>()
  try {
    for (let round = 0; round < MAX_ROUNDS; round++) {
      const found = round === 0 ? membersNow(reach) : look(reach, [...held.values()])
      for (const reason of found.spared) spared.add(reason)
      const isNew = (process: ProcessStat) =>
        held.get(process.pid)?.startTicks !== process.startTicks
      const fresh = found.processes.filter(isNew)
      if (fresh.length === 0) break
      for (const process of fresh) {
        held.set(process.pid, process)
        signal(process, 'SIGSTOP')
      }
    }
  } catch (error) {
    for (const process of held.values()) if (process.state !== 'T') signal(process, 'SIGCONT')
    throw error
  }
  return { processes: [...held.values()], spared: [...spared] }
}

function look(reach: Reach, held: readonly ProcessRef[] = []): Members {
  const { target, guard, planned, scope, cgroup } = reach
  if (cgroup !== undefined) {
    const inside = pidsIn(cgroup).flatMap((pid) => readStat(pid) ?? [])
    return spare(
      guard,
      inside.filter((stat) => !isDead(stat)),
    )
  }
  if (target === null) throw refused('the alert names no process')
  const root = find(refOf(target))
  if (root !== undefined) refuseProtected(guard, root)
  const seeds = [root, ...planned.map(find), ...held.map(find)].filter((stat) => stat !== undefined)
  return spare(guard, unique(reached(seeds, root, scope, guard)))
}

function reached(
  seeds: readonly ProcessStat[],
  root: ProcessStat | undefined,
  scope: Scope,
  guard: Guard,
): ProcessStat[] {
  if (scope === 'process' || seeds.length === 0) return [...seeds]
  const all = running()
  if (scope === 'tree') return descendants(seeds, all, guard)
  if (root === undefined) return [...seeds]
  // Session 0 is the kernel's, 1 the one of pid 1 and of everything that never left it.
  if (root.sessionId <= 1) throw refused(`${label(root)} is in the session of pid 1`)
  return [...seeds, ...all.filter(({ sessionId }) => sessionId === root.sessionId)]
}

/** The seeds and everything below them, but not what is below a protected process. */
function descendants(
  seeds: readonly ProcessStat[],
  all: readonly ProcessStat[],
  guard: Guard,
): ProcessStat[] {
  const byParent = Map.groupBy(all, ({ parentPid }) => parentPid)
  const found = [...seeds]
  const pids = new Set(found.map(({ pid }) => pid))
  for (const process of found) {
    const children = byParent.get(process.pid)
    if (children === undefined || guard.reason(process) !== undefined) continue
    for (const child of children.filter(({ pid }) => !pids.has(pid))) {
      pids.add(child.pid)
      found.push(child)
    }
  }
  return found
}

const unique = (processes: readonly ProcessStat[]): ProcessStat[] => [
  ...new Map(processes.map((process) => [process.pid, process])).values(),
]

export function refuseProtected(guard: Guard, process: ProcessRef): void {
  const reason = guard.reason(process)
  if (reason !== undefined) throw refused(`${label(process)} is never touched: ${reason}`)
}

export const refs = (processes: readonly ProcessRef[]): ProcessRef[] =>
  processes.map(({ pid, startTicks, name }) => ({ pid, startTicks, name }))

/** `killed 3 processes: bash (812), nc (813), sh (815)`, at most ten by name. */
export function sentence(
  verb: string,
  processes: readonly ProcessRef[],
  spared: readonly string[],
) {
  const names = processes.slice(0, 10).map(label).join(', ')
  const more = processes.length > 10 ? ` and ${processes.length - 10} more` : ''
  const count = processes.length === 1 ? '1 process' : `${processes.length} processes`
  const left = spared.length === 0 ? '' : `; left alone: ${spared.join(', ')}`
  return `${verb} ${count}: ${names}${more}${left}`
}
