/** The kernel's two freezers, behind one face: v2 (cgroup.freeze) and v1 (freezer.state). */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { z } from 'zod'
import type { Place } from '../../contract/alert.ts'
import type { Scope } from '../scope/scope.ts'
import { cgroupId, directoryOfId, orMissing } from './cgroups.ts'
import { cgroupOfPlace, partAbove } from './place-cgroup.ts'

/** One cgroup that can be frozen, named by its id: a directory made anew under the same path is another. */
export const freezableSchema = z.strictObject({
  tree: z.enum(['unified', 'freezer']),
  directory: z.string(),
  id: z.string(),
})
export type Freezable = z.infer<typeof freezableSchema>

/** How long a cgroup may take to come to rest (a process in an uninterruptible wait). */
export const AT_REST_WITHIN_MS = 2000

/**
 * A container or pod of a place, by its process where the unified tree does not tell containers apart (pure v1). Of the
 * host: the cgroup itself. Undefined when there is nothing but a root cgroup, which is the whole machine.
 */
export function freezableOf(
  place: Place | null,
  pid: number,
  scope: Scope,
  part: 'container' | 'pod' = 'container',
): Freezable | undefined {
  const isOfHost = place === null || (part === 'container' && place.containerId === 'host')
  if (scope.directory !== undefined && place !== null) {
    const isFound = directoryOfId(scope.directory, place.cgroupId) !== scope.directory
    // A root cgroup tells no containers apart.
    if (isFound)
      return { tree: 'unified', ...cgroupOfPlace(place, scope, isOfHost ? 'cgroup' : part) }
  }
  const start = scope.directoryOf(pid, 'freezer')
  const root = scope.trees.freezer
  if (start === undefined || root === undefined || start === root) return undefined
  const directory = isOfHost ? start : partAbove(start, root, place, part)
  const id = cgroupId(directory)
  return id === undefined ? undefined : { tree: 'freezer', directory, id }
}

export const isThere = ({ directory, id }: Freezable): boolean => cgroupId(directory) === id

/** Whether it was told to freeze, by us or by anybody. */
export const isAsked = ({ tree, directory }: Freezable): boolean =>
  tree === 'unified'
    ? contents(directory, 'cgroup.freeze') === '1'
    : ['FROZEN', 'FREEZING'].includes(contents(directory, 'freezer.state'))

/** Whether every process in it stands still. */
export const isFrozen = ({ tree, directory }: Freezable): boolean =>
  tree === 'unified'
    ? contents(directory, 'cgroup.events').includes('frozen 1')
    : contents(directory, 'freezer.state') === 'FROZEN'

export function setFrozen({ tree, directory }: Freezable, isToFreeze: boolean): void {
  if (tree === 'unified') writeFileSync(join(directory, 'cgroup.freeze'), isToFreeze ? '1' : '0')
  else writeFileSync(join(directory, 'freezer.state'), isToFreeze ? 'FROZEN' : 'THAWED')
}

/** True once at rest; false when that took too long. */
export async function comesToRest(cgroup: Freezable, signal: AbortSignal): Promise<boolean> {
  const until = performance.now() + AT_REST_WITHIN_MS
  for (let wait = 1; !isFrozen(cgroup); wait = Math.min(wait * 2, 50)) {
    if (signal.aborted || performance.now() > until) return false
    await pause(wait)
  }
  return true
}

const contents = (directory: string, file: string): string =>
  orMissing(() => readFileSync(join(directory, file), 'utf8').trim()) ?? ''
