/** /etc/passwd and /etc/group below a root, read again only when they changed. */
import {
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  openSync,
  readFileSync,
  readSync,
} from 'node:fs'

export interface User {
  readonly name: string
  readonly home: string
  readonly shell: string
}

export interface Accounts {
  readonly users: ReadonlyMap<number, User>
  readonly groups: ReadonlyMap<number, string>
  /** Inode, size and change time of both files: what tells whether to read them again. */
  readonly stamp: string
}

const noAccounts: Accounts = { users: new Map(), groups: new Map(), stamp: '' }

/** Below the host's own root, where the files may be what the administrator likes, links too. */
export function hostAccounts(root: string, known: Accounts | undefined): Accounts {
  return load(`${root}/etc/passwd`, `${root}/etc/group`, known, 0)
}

/**
 * Of a process's own root (`directory` is its /proc/<pid>), whose owner may be hostile: no links are followed (they would lead into the host's
 * files), nothing but a regular file is opened, and no file system that a process serves itself is touched, as it
 * could hold the detector for ever.
 */
export function readAccounts(directory: string, known: Accounts | undefined): Accounts {
  const root = `${directory}/root`
  const isDirectory = statOf(`${root}/etc`, lstatSync)?.isDirectory() ?? false
  if (!isDirectory || isServedByProcess(directory)) return known ?? noAccounts
  return load(`${root}/etc/passwd`, `${root}/etc/group`, known, constants.O_NOFOLLOW)
}

function load(passwd: string, group: string, known: Accounts | undefined, flags: number): Accounts {
  const stamp = `${stampOf(passwd)} ${stampOf(group)}`
  if (known?.stamp === stamp) return known
  const groups = new Map<number, string>()
  for (const [name = '', , id = ''] of rows(passwd === group ? '' : readSmall(group, flags)))
    if (id !== '' && !groups.has(Number(id))) groups.set(Number(id), name)
  return { users: usersOf(readSmall(passwd, flags)), groups, stamp }
}

function usersOf(text: string): Map<number, User> {
  const users = new Map<number, User>()
  for (const [name = '', , id = '', , , home = '', shell = ''] of rows(text))
    if (id !== '' && !users.has(Number(id))) users.set(Number(id), { name, home, shell })
  return users
}

const rows = (text: string) => text.split('\n').map((line) => line.split(':'))

/** More than any real file of accounts; a larger one is cut. */
const SIZE_LIMIT = 4 * 1024 * 1024

function readSmall(path: string, flags: number): string {
  let descriptor: number
  try {
    descriptor = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK | flags)
  } catch (cause) {
    if (isSystemError(cause)) return ''
    throw cause
  }
  try {
    const { size } = fstatSync(descriptor)
    if (!fstatSync(descriptor).isFile()) return ''
    const bytes = Buffer.alloc(Math.min(size, SIZE_LIMIT))
    return bytes.toString('utf8', 0, readSync(descriptor, bytes, 0, bytes.length, 0))
  } finally {
    closeSync(descriptor)
  }
}

function stampOf(path: string): string {
  const stat = statOf(path, lstatSync)
  return stat === undefined ? '-' : `${stat.ino} ${stat.size} ${stat.mtimeMs} ${stat.ctimeMs}`
}

function statOf<T>(path: string, stat: (path: string) => T): T | undefined {
  try {
    return stat(path)
  } catch (cause) {
    if (isSystemError(cause)) return undefined
    throw cause
  }
}

/** Whether a file system in user space, or a remote one, covers the process's files of accounts. */
function isServedByProcess(directory: string): boolean {
  let mounts: string
  try {
    mounts = readFileSync(`${directory}/mountinfo`, 'utf8')
  } catch (cause) {
    if (isSystemError(cause)) return true
    throw cause
  }
  return mounts.split('\n').some((line) => {
    const [, , , , point = ''] = line.split(' ')
    const type = /(?<= - )\S+/.exec(line)?.[0] ?? ''
    return (
      /^\/(?:etc(?:\/(?:passwd|group))?)?$/.test(point) &&
      /^(?:fuse|nfs|cifs|smb|9p|ceph)/.test(type)
    )
  })
}

/** By its shape: an error of another realm (a worker, a test's sandbox) is no `instanceof Error` of ours. */
export const isSystemError = (cause: unknown): cause is NodeJS.ErrnoException =>
  typeof cause === 'object' && cause !== null && 'code' in cause && 'syscall' in cause
