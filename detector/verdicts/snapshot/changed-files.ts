/** What a container changed in its own file system: the upper directory of its overlay, walked without following a link. */
import { createHash } from 'node:crypto'
import {
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  openSync,
  readdirSync,
  readSync,
} from 'node:fs'
import { join } from 'node:path'
import { errorCode, hostRoot, readProc, readProcLink, readStat } from '../proc.ts'

export interface ChangedFile {
  readonly path: string
  readonly kind: 'file' | 'directory' | 'link' | 'deleted' | 'other'
  readonly bytes: number
  readonly mode: string
  readonly userId: number
  readonly modifiedMs: number
  /** Null: no file, not readable, or beyond the budget. */
  readonly sha256: string | null
}

export interface Changes {
  /** On the host. */
  readonly upper: string | null
  readonly files: ChangedFile[]
  /** What could not be had, and why. */
  readonly missing: string[]
}

/** Shared by the containers of one capture. */
export interface Budget {
  entries: number
  hashBytes: number
}

const MAX_DEPTH = 64
const HELD = 0o10_000_000 | constants.O_DIRECTORY | constants.O_NOFOLLOW

/** Of the root of a process's mount namespace; `members` are all processes of its pod. */
export function changedFiles(pid: number, members: ReadonlySet<number>, budget: Budget): Changes {
  const upper = upperOf(readProc(pid, 'mountinfo') ?? '')
  if (upper === undefined)
    return {
      upper: null,
      files: [],
      missing: ['its root is no overlay: changes are not kept apart'],
    }
  const changes: Changes = { upper, files: [], missing: [] }
  const path = join(rootOfMounter(pid, members), upper)
  try {
    const held = openSync(path, HELD)
    try {
      walk(held, '/', budget, changes, 0)
    } finally {
      closeSync(held)
    }
  } catch (error) {
    changes.missing.push(`${upper} cannot be read (${errorCode(error)})`)
  }
  return changes
}

/**
 * Where the overlay's path leads to it: as its mounter sees files. That is the first ancestor outside the pod (a
 * containerd-shim, a conmon), whose node may itself be a container; the host, where none is left.
 */
function rootOfMounter(pid: number, members: ReadonlySet<number>): string {
  let at = readStat(pid)
  for (let left = MAX_DEPTH; at !== undefined && members.has(at.pid) && left > 0; left--)
    at = readStat(at.parentPid)
  if (at === undefined || at.pid === 1 || members.has(at.pid)) return hostRoot()
  const isOurs = readProcLink(at.pid, 'ns/mnt') === readProcLink(process.pid, 'ns/mnt')
  return isOurs ? '/' : `/proc/${at.pid}/root`
}

/** The escapes of mountinfo: space, tab, newline, backslash. */
const unescaped = (text: string) =>
  text.replaceAll(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(parseInt(octal, 8)))

export function upperOf(mountinfo: string): string | undefined {
  for (const line of mountinfo.split('\n')) {
    const [left = '', right = ''] = line.split(' - ')
    const [type, , options = ''] = right.split(' ')
    if (left.split(' ')[4] !== '/' || type !== 'overlay') continue
    const upper = /(?:^|,)upperdir=((?:[^,\\]|\\.)*)/.exec(options)?.[1]
    return upper === undefined ? undefined : unescaped(upper)
  }
  return undefined
}

/** Each directory is held open, so that nobody can put a link into the way meanwhile. */
function walk(held: number, at: string, budget: Budget, changes: Changes, depth: number): void {
  const here = `/proc/self/fd/${held}`
  if (depth > MAX_DEPTH) {
    changes.missing.push(`${at} is too deep`)
    return
  }
  for (const name of readdirSync(here).toSorted()) {
    if (budget.entries-- <= 0) {
      changes.missing.push(`${at} and what follows: there are too many`)
      return
    }
    const path = join(at, name)
    try {
      take(join(here, name), path, budget, changes, depth)
    } catch (error) {
      changes.missing.push(`${path} (${errorCode(error)})`)
    }
  }
}

function take(from: string, path: string, budget: Budget, changes: Changes, depth: number): void {
  const stats = lstatSync(from)
  const kind = kindOf(stats)
  changes.files.push({
    path,
    kind,
    bytes: stats.size,
    mode: stats.mode.toString(8),
    userId: stats.uid,
    modifiedMs: Math.round(stats.mtimeMs),
    sha256: kind === 'file' ? hashOf(from, budget) : null,
  })
  if (kind !== 'directory') return
  const below = openSync(from, HELD)
  try {
    walk(below, path, budget, changes, depth + 1)
  } finally {
    closeSync(below)
  }
}

/** A whiteout is a character device 0:0 (Documentation/filesystems/overlayfs.rst). */
function kindOf(stats: ReturnType<typeof lstatSync>): ChangedFile['kind'] {
  if (stats === undefined) return 'other'
  if (stats.isFile()) return 'file'
  if (stats.isDirectory()) return 'directory'
  if (stats.isSymbolicLink()) return 'link'
  return stats.isCharacterDevice() && Number(stats.rdev) === 0 ? 'deleted' : 'other'
}

function hashOf(from: string, budget: Budget): string | null {
  const file = openSync(from, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
  try {
    const stats = fstatSync(file)
    if (!stats.isFile() || stats.size > budget.hashBytes) return null
    budget.hashBytes -= stats.size
    const hash = createHash('sha256')
    const chunk = Buffer.alloc(1 << 16)
    let left = stats.size
    while (left > 0) {
      const got = readSync(file, chunk, 0, Math.min(left, chunk.length), null)
      if (got === 0) break
      hash.update(chunk.subarray(0, got))
      left -= got
    }
    return hash.digest('hex')
  } finally {
    closeSync(file)
  }
}
