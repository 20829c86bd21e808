/** Where this process is in a mounted cgroup tree, also when a cgroup namespace hides it. */
import { readFileSync, readlinkSync } from 'node:fs'
import { join, relative } from 'node:path'
import { openObject, objectPath } from '../native.ts'
import { cgroupId, cgroupPath, childrenOf, orMissing } from '../verdicts/cgroups.ts'

/** PROC_CGROUP_INIT_INO of include/linux/proc_ns.h: the kernel's first cgroup namespace. */
const FIRST_NAMESPACE = 'cgroup:[4026531835]'

/** kernfs numbers the root of a tree so: another number is the root of a part that was mounted. */
const ROOT_ID = '1'

/** Whether /proc/PID/cgroup tells us paths from the root of each tree. */
export const isInFirstNamespace = (): boolean =>
  readlinkSync('/proc/self/ns/cgroup') === FIRST_NAMESPACE

/** Undefined when the mounted tree does not hold us. */
export function ownDirectory(mount: string, controller: string): string | undefined {
  const path = cgroupPath(process.pid, controller)
  if (path === undefined) return undefined
  return isInFirstNamespace() ? join(mount, path) : directoryHolding(mount, String(process.pid))
}

function directoryHolding(mount: string, pid: string): string | undefined {
  const pending = [mount]
  for (const directory of pending) {
    const pids = orMissing(() => readFileSync(join(directory, 'cgroup.procs'), 'utf8')) ?? ''
    if (pids.split('\n').includes(pid)) return directory
    pending.push(...childrenOf(directory))
  }
  return undefined
}

/**
 * What the paths of /proc/PID/cgroup begin at, as we read them: the mount point, or in a cgroup namespace of our own the
 * cgroup that it was made in (a path out of it begins with `/..`).
 */
export function baseOf(mount: string, controller: string): string {
  const own = ownDirectory(mount, controller)
  const path = cgroupPath(process.pid, controller) ?? '/'
  if (own === undefined) return mount
  return path === '/' ? own : own.slice(0, -path.length)
}

/** How deep a directory of the tree is below the kernel's root cgroup; undefined when that cannot be told. */
export function depthOf(mount: string, directory: string): number | undefined {
  const below = relative(mount, directory).split('/').filter(Boolean).length
  const id = cgroupId(mount) ?? ''
  if (id === ROOT_ID) return below
  const above = ownAncestors().indexOf(BigInt(id))
  return above < 0 ? undefined : above + below
}

/** Ids from the root cgroup down to our own, as the kernel has them. */
function ownAncestors(): readonly bigint[] {
  const object = openObject(objectPath('ancestors'))
  try {
    const bytes = object.iterate('own_ancestors')
    return [...new BigUint64Array(bytes.slice().buffer)]
  } finally {
    object.close()
  }
}
