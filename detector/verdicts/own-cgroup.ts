/**
 * Gives a process tree a cgroup of its own, below the one that it shares with others in the unified tree: every limit
 * above still holds, and the v1 trees are not touched.
 */
import { mkdirSync, rmdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { z } from 'zod'
import { failed } from './action.ts'
import type { Scope } from '../scope/scope.ts'
import { cgroupId, pidsIn } from './cgroups.ts'
import { membersNow, type Reach } from './members.ts'
import { errorCode, find, isDead, label, readStat, type ProcessStat } from './proc.ts'
import { folderName } from './sha256.ts'

export const ownCgroupSchema = z.strictObject({
  id: z.string(),
  directory: z.string(),
  /** Where its processes came from and go back to; null when it was there before and nobody was moved. */
  from: z.string().nullable(),
})
export type OwnCgroup = z.infer<typeof ownCgroupSchema>

/** A child inherits its parent's cgroup, so once a look finds nobody outside, nobody can be born there. */
const MAX_ROUNDS = 100

/**
 * `block` is called for each new cgroup while it is still empty, and is live when it returns, so that nobody in it is ever
 * connected; that it is durable is awaited last.
 */
export async function moveTree(
  scope: Scope,
  step: string,
  reach: Reach,
  block: (cgroup: OwnCgroup) => Promise<void>,
): Promise<OwnCgroup[]> {
  const name = `riposte-${folderName(step).slice(0, 16)}`
  const cgroups = new Map<string, OwnCgroup>()
  const durable: Promise<void>[] = []
  let planned = reach.planned
  for (let round = 0; round < MAX_ROUNDS; round++) {
    const { processes } = membersNow({ ...reach, planned })
    planned = processes
    const outside = processes.filter((process) => !isIn(scope, process, name))
    for (const directory of new Set(
      processes.map((process) => sharedDirectory(scope, process, name)),
    ))
      if (!cgroups.has(directory)) {
        const cgroup = make(directory, name)
        durable.push(block(cgroup))
        cgroups.set(directory, cgroup)
      }
    if (outside.length === 0) {
      await Promise.all(durable)
      return [...cgroups.values()]
    }
    for (const process of outside) {
      const cgroup = cgroups.get(sharedDirectory(scope, process, name))
      if (cgroup !== undefined) move(process, cgroup)
    }
  }
  throw failed('the tree grows faster than it can be moved; freeze or kill it first')
}

const placeOf = (scope: Scope, { pid }: ProcessStat): string =>
  scope.directoryOf(pid, 'unified') ?? scope.directory ?? ''

const isIn = (scope: Scope, process: ProcessStat, name: string): boolean =>
  placeOf(scope, process).split('/').includes(name)

/** The cgroup it shares, or had shared before an earlier try moved it. */
function sharedDirectory(scope: Scope, process: ProcessStat, name: string): string {
  const place = placeOf(scope, process).split('/')
  const at = place.indexOf(name)
  return (at < 0 ? place : place.slice(0, at)).join('/')
}

function make(from: string, name: string): OwnCgroup {
  const directory = join(from, name)
  mkdirSync(directory, { recursive: true })
  const id = cgroupId(directory)
  if (id === undefined) throw failed(`${directory} was removed while it was made`, undefined, true)
  return { id, directory, from }
}

/** The kernel takes a bare pid here, so it is looked at again after: a stranger goes back where it came from. */
function move(process: ProcessStat, { directory, from }: OwnCgroup): void {
  try {
    writePid(directory, process.pid)
  } catch (error) {
    if (find(process) === undefined) return
    throw failed(`cannot move ${label(process)} to ${directory}`, error)
  }
  if (find(process) === undefined && from !== null) tryWritePid(from, process.pid)
}

/** Answers the directories that could not be removed, because something in them was made by others. */
export function moveBack({ directory, from, id }: OwnCgroup): string[] {
  if (from === null || cgroupId(directory) !== id) return []
  const home = cgroupId(from) === undefined ? dirname(from) : from
  for (let round = 0; round < MAX_ROUNDS; round++) {
    const left = pidsIn(directory).filter((pid) => !isDead(readStat(pid)))
    if (left.length === 0) break
    for (const pid of left) tryWritePid(home, pid)
  }
  try {
    rmdirSync(directory)
    return []
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return []
    return [directory]
  }
}

function writePid(directory: string, pid: number): void {
  writeFileSync(join(directory, 'cgroup.procs'), String(pid))
}

/** For a process that may be gone: ESRCH is what we want then. */
function tryWritePid(directory: string, pid: number): void {
  try {
    writePid(directory, pid)
  } catch (error) {
    if (errorCode(error) !== 'ESRCH') throw error
  }
}
