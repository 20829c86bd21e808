/** The cgroup that an order means by its place: the very one, a container's, or a pod's, each proven by its name and id. */
import { basename, dirname, join, relative } from 'node:path'
import type { Place } from '../../contract/alert.ts'
import { containerOfPath } from '../state/containers.ts'
import { isBelow, type Scope } from '../scope/scope.ts'
import { gone, refused } from './action.ts'
import { cgroupId, childrenOf, directoryOfId } from './cgroups.ts'

export const noTree = 'this machine has no unified cgroup tree (cgroup v2), which a block needs'

export type Part = 'cgroup' | 'container' | 'pod'

export interface PlaceCgroup {
  readonly id: string
  readonly directory: string
}

/**
 * In the unified tree. Throws target_gone where it does not exist, or names another container or pod than the place;
 * refused where the place is no container (or pod), is not known for certain yet, or is outside the scope.
 */
export function cgroupOfPlace(place: Place | null, scope: Scope, part: Part): PlaceCgroup {
  const root = scope.directory
  if (root === undefined) throw refused(noTree)
  if (place === null) throw refused('the alert names no cgroup')
  const start = directoryOfId(root, place.cgroupId)
  if (start === undefined && part !== 'pod') throw missing(place, scope)
  const directory =
    start === undefined ? podBelow(root, place) : partAbove(start, root, place, part)
  const id = cgroupId(directory)
  if (id === undefined) throw gone(`${directory} does not exist any more`)
  if (directory === root)
    throw refused(`that is the whole of ${scope.name}; use a smaller scope, such as tree`)
  return { id, directory }
}

/** The directory at or above `start` that is this part of the place; `root` ends the search. */
export function partAbove(start: string, root: string, place: Place, part: Part): string {
  if (part === 'cgroup') return start
  if (part === 'container') return containerAbove(start, root, place)
  const uid = podUidsOf(place)
  for (let at = start; isBelow(at, root) && at !== root; at = dirname(at))
    if (isPodNamed(basename(at), uid)) return at
  throw gone(`cgroup ${place.cgroupId} is not in pod ${place.pod?.uid ?? ''}`)
}

/** A container may make cgroups of its own: the outermost that still names it is the container's. */
function containerAbove(start: string, root: string, place: Place): string {
  const { containerId, pod, isPending } = place
  if (containerId === null || isPending) throw refused('it is not known yet which container it is')
  if (containerId === 'host') throw refused('the alert is not about a container')
  const names = (directory: string) =>
    containerOfPath(`/${relative(root, directory)}`).id === containerId
  if (!names(start)) throw gone(`cgroup ${place.cgroupId} is not container ${containerId}'s`)
  let at = start
  while (at !== root && names(dirname(at))) at = dirname(at)
  // With the other driver's path one name tells both: `kubepods-….slice:cri-containerd:<id>`.
  const [above = ''] = basename(at).split(':')
  if (pod !== null && !isPodNamed(above, podUidsOf(place))) partAbove(at, root, place, 'pod')
  return at
}

/** A pod outlives its containers: it is found by its UID when the container's cgroup is gone. */
function podBelow(root: string, place: Place): string {
  const uid = podUidsOf(place)
  const pending = [root]
  for (const directory of pending) {
    if (isPodNamed(basename(directory), uid)) return directory
    pending.push(...childrenOf(directory))
  }
  throw gone(`no cgroup of pod ${place.pod?.uid ?? ''} exists any more`)
}

/** Of a static pod the kubelet names the cgroup by the hash of its file; the API server gave its mirror another UID. */
function podUidsOf({ pod, isPending }: Place): readonly string[] {
  if (isPending) throw refused('it is not known yet which pod it is')
  if (pod === null) throw refused('the alert is not about a pod')
  const hash = pod.annotations['kubernetes.io/config.hash']
  return [pod.uid, ...(hash === undefined ? [] : [hash])].map(plainUid)
}

/** As `isPodNamed` compares it. */
export const plainUid = (uid: string): string => uid.replaceAll(/[-_]/g, '').toLowerCase()

/** `pod<UID>` (cgroupfs), `kubepods-burstable-pod<UID with _>.slice` (systemd). */
export function isPodNamed(component: string, uids: readonly string[]): boolean {
  const uid = /^(?:[\w-]+-)?pod([\da-fA-F_-]+)(?:\.slice)?$/.exec(component)?.[1]
  return uid !== undefined && uids.includes(plainUid(uid))
}

function missing({ cgroupId: id }: Place, { trees, name }: Scope): Error {
  const elsewhere = trees.unified === undefined ? undefined : directoryOfId(trees.unified, id)
  return elsewhere === undefined
    ? gone(`cgroup ${id} does not exist any more`)
    : refused(`cgroup ${join('/', elsewhere)} is outside ${name}, which this detector speaks for`)
}
