/**
 * Which part of the machine a detector speaks for. Nodes may share one kernel (kind, minikube): each detector then sees,
 * judges and acts within the cgroups of its own node and nowhere else.
 */
import { join, relative, resolve } from 'node:path'
import { cgroupId, cgroupPath, findCgroupTrees, type CgroupTrees } from '../verdicts/cgroups.ts'
import { nodeDepth } from './kubernetes-cgroup.ts'
import { baseOf, depthOf, ownDirectory } from './own-cgroup-path.ts'

export interface Scope {
  /** `host`, or the cgroup's path in the mounted unified tree: for people. */
  readonly name: string
  /** Depth below the kernel's root cgroup, and id; 0 and 0n for the whole machine. */
  readonly level: number
  readonly cgroupId: bigint
  /** The scope's own directory in the unified tree; undefined where none is mounted. */
  readonly directory: string | undefined
  readonly trees: CgroupTrees
  /** Where a process is in a mounted tree; undefined when it is gone or the tree is not there. */
  readonly directoryOf: (pid: number, tree: keyof CgroupTrees) => string | undefined
  /** False too for a process that is gone. */
  readonly covers: (pid: number) => boolean
}

export interface ScopeSettings {
  /** auto, host, or a path in the unified tree. */
  readonly scope: string
  /** Where the host's cgroup trees are mounted. */
  readonly cgroupRoot: string
}

/** The scope that was asked for is not there. */
export class ScopeRefused extends Error {
  readonly code = 'scope_refused'
  readonly retryable = false
}

/** Looks once, at start. `auto` inside a pod is what is above its `kubepods`, elsewhere the whole machine. */
export function openScope({ scope, cgroupRoot }: ScopeSettings): Scope {
  const trees = findCgroupTrees(undefined, cgroupRoot)
  const root = trees.unified
  if (scope === 'host') return hostScope(trees)
  if (scope !== 'auto') {
    if (root === undefined)
      throw new ScopeRefused(`no cgroup v2 tree is mounted below ${cgroupRoot}; a scope needs one`)
    const directory = resolve(root, scope.replace(/^\/+/, ''))
    if (!isBelow(directory, root)) throw new ScopeRefused(`${scope} is not a cgroup below ${root}`)
    return cgroupScope(trees, root, directory)
  }
  if (root === undefined) return hostScope(trees)
  const own = ownDirectory(root, '')
  const components = own === undefined ? [] : relative(root, own).split('/')
  const depth = nodeDepth(components)
  if (depth === undefined) return hostScope(trees)
  return cgroupScope(trees, root, resolve(root, ...components.slice(0, depth)))
}

export function hostScope(trees: CgroupTrees): Scope {
  const directory = trees.unified
  return { name: 'host', level: 0, cgroupId: 0n, directory, ...placesIn(trees), covers: () => true }
}

function cgroupScope(trees: CgroupTrees, root: string, directory: string): Scope {
  const id = cgroupId(directory)
  if (id === undefined) throw new ScopeRefused(`${directory} is no cgroup of this machine`)
  const level = depthOf(root, directory)
  if (level === undefined)
    throw new ScopeRefused(`${root} is a part of a cgroup tree that this process is not in`)
  if (level === 0) return hostScope(trees)
  const places = placesIn(trees)
  return {
    name: `/${relative(root, directory)}`,
    level,
    cgroupId: BigInt(id),
    directory,
    ...places,
    covers: (pid) => isBelow(places.directoryOf(pid, 'unified'), directory),
  }
}

/** Whether it is the directory or in it. */
export const isBelow = (found: string | undefined, directory: string): boolean =>
  found !== undefined && `${found}/`.startsWith(`${directory}/`)

const controllers = { unified: '', freezer: 'freezer' } as const

function placesIn(trees: CgroupTrees): Pick<Scope, 'trees' | 'directoryOf'> {
  const bases = new Map(
    (['unified', 'freezer'] as const).flatMap((tree) => {
      const mount = trees[tree]
      return mount === undefined ? [] : [[tree, baseOf(mount, controllers[tree])] as const]
    }),
  )
  return {
    trees,
    directoryOf(pid, tree) {
      const base = bases.get(tree)
      const path = cgroupPath(pid, controllers[tree])
      if (base === undefined || path === undefined) return undefined
      // Of a removed cgroup the kernel says so behind its path.
      return join(base, path.replace(/ \(deleted\)$/, '')).replace(/(?<=.)\/$/, '')
    },
  }
}
