/** The cgroup trees of this machine: unified (v2), the v1 freezer, or both (hybrid). */
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { errorCode, readProc } from './proc.ts'

export interface CgroupTrees {
  /** Mount point of the unified tree. */
  readonly unified: string | undefined
  /** Mount point of the v1 freezer. */
  readonly freezer: string | undefined
}

/**
 * From mountinfo (proc_pid_mountinfo(5)). What is mounted at or below `cgroupRoot` counts first, whatever part of a tree
 * it is: to a container the host's tree has a root such as /../../... Elsewhere only mounts of a whole tree count.
 */
export function findCgroupTrees(
  mountinfo = readFileSync('/proc/self/mountinfo', 'utf8'),
  cgroupRoot = '/sys/fs/cgroup',
): CgroupTrees {
  const mounts = mountinfo.split('\n').flatMap((line) => {
    const [left = '', right = ''] = line.split(' - ')
    const [, , , root, point] = left.split(' ')
    const [type, , options = ''] = right.split(' ')
    return point === undefined ? [] : [{ root, point, type, options: options.split(',') }]
  })
  const below = ({ point }: { point: string }) => `${point}/`.startsWith(`${cgroupRoot}/`)
  const sorted = [...mounts.filter(below), ...mounts.filter(({ root }) => root === '/')]
  return {
    unified: sorted.find(({ type }) => type === 'cgroup2')?.point,
    freezer: sorted.find(({ type, options }) => type === 'cgroup' && options.includes('freezer'))
      ?.point,
  }
}

/** Path of a process's cgroup below the mount point: `''` is the unified tree, else a v1 controller's name. */
export function cgroupPath(pid: number, controller: string): string | undefined {
  for (const line of readProc(pid, 'cgroup')?.split('\n') ?? []) {
    const [, controllers = '', ...path] = line.split(':')
    if (controllers.split(',').includes(controller)) return path.join(':')
  }
  return undefined
}

/** A directory's id is its inode; bpf_get_current_cgroup_id() gives the same. Undefined when it is gone. */
export const cgroupId = (directory: string): string | undefined =>
  orMissing(() => String(statSync(directory, { bigint: true }).ino))

/** The directory below `root` that has this id. */
export function directoryOfId(root: string, id: string): string | undefined {
  const pending = [root]
  for (const directory of pending) {
    if (cgroupId(directory) === id) return directory
    pending.push(...childrenOf(directory))
  }
  return undefined
}

/** Every process in a cgroup and below it. Zombies are listed too. */
export function pidsIn(directory: string): number[] {
  const own = orMissing(() => readFileSync(join(directory, 'cgroup.procs'), 'utf8')) ?? ''
  const pids = own.split('\n').filter((line) => line !== '')
  return [...pids.map(Number), ...childrenOf(directory).flatMap(pidsIn)]
}

export const childrenOf = (directory: string): string[] =>
  (orMissing(() => readdirSync(directory, { withFileTypes: true })) ?? [])
    .filter((entry) => entry.isDirectory())
    .map((entry) => join(directory, entry.name))

/** Undefined when the cgroup was removed meanwhile (ENODEV: while its file was open). */
export function orMissing<Value>(read: () => Value): Value | undefined {
  try {
    return read()
  } catch (error) {
    if (['ENOENT', 'ENODEV', 'ESRCH'].includes(errorCode(error))) return undefined
    throw error
  }
}
