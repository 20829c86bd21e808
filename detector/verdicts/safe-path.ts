/** Opens a path as a process sees it, a step at a time, following no link: nothing can lead out of what was judged. */
import { closeSync, constants, fstatSync, openSync, type BigIntStats } from 'node:fs'
import { posix } from 'node:path'
import { gone, refused } from './action.ts'
import { errorCode } from './proc.ts'

const O_PATH = 0o10_000_000
const DIRECTORY = O_PATH | constants.O_DIRECTORY | constants.O_NOFOLLOW

/** A directory held open, and a name in it. `at` is good for as long as it is held, whatever is renamed above it. */
export interface HeldPlace {
  /** As it was asked for, without empty and `.` steps. */
  readonly path: string
  /** Path of another name in the same directory. */
  beside(name: string): string
  readonly at: string
  [Symbol.dispose](): void
}

/** `root` is a directory whose own links are followed: `/proc/PID/root` or `/`. */
export function openPlace(root: string, path: string): HeldPlace {
  if (!posix.isAbsolute(path)) throw refused(`${path} is not an absolute path`)
  const steps = path.split('/').filter((step) => step !== '' && step !== '.')
  const name = steps.pop()
  if (name === undefined || steps.includes('..') || name === '..')
    throw refused(`${path} does not name a file`)
  let directory = openSync(root, O_PATH | constants.O_DIRECTORY)
  try {
    for (const step of steps) {
      const next = openSync(inside(directory, step), DIRECTORY)
      closeSync(directory)
      directory = next
    }
  } catch (error) {
    closeSync(directory)
    if (['ENOTDIR', 'ELOOP'].includes(errorCode(error)))
      throw refused(`a link or a file stands where ${path} needs a directory`)
    throw error
  }
  const held = directory
  return {
    path: `/${[...steps, name].join('/')}`,
    at: inside(held, name),
    beside: (other) => inside(held, other),
    [Symbol.dispose]: () => closeSync(held),
  }
}

/** Through our pid, not `self`, so that a program of ours can be handed it. */
const inside = (directory: number, name: string): string =>
  `/proc/${process.pid}/fd/${directory}/${name}`

/** A regular file held open, whatever its name comes to mean; its inode's number cannot be given to another meanwhile. */
export interface HeldFile extends Disposable {
  /** Reads this very file. */
  readonly at: string
  readonly stats: BigIntStats
}

export function openRegular(path: string): HeldFile {
  const fd = openOrGone(path)
  const stats = fstatSync(fd, { bigint: true })
  if (stats.isFile())
    return { at: `/proc/self/fd/${fd}`, stats, [Symbol.dispose]: () => closeSync(fd) }
  closeSync(fd)
  throw refused('it is not a regular file')
}

function openOrGone(path: string): number {
  try {
    return openSync(path, O_PATH | constants.O_NOFOLLOW)
  } catch (error) {
    if (errorCode(error) === 'ENOENT') throw gone('the file does not exist any more')
    throw error
  }
}
