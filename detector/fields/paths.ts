/** Paths as Falco makes them: joined to a directory and normalised as text, without asking the file system. */

/** Longer than the kernel's PATH_MAX a path is none (Falco answers the same text). */
const TOO_LONG = '/DIR_TOO_LONG/FILENAME_TOO_LONG'
const PATH_MAX = 4096

/** An absolute path stands for itself; a relative one starts at `directory`. */
export function joinPath(directory: string, path: string): string {
  const joined = path.startsWith('/') ? path : `${directory}/${path}`
  if (joined.length > PATH_MAX) return TOO_LONG
  return isNormal(joined) ? joined : normalise(joined)
}

/** The common case: nothing to remove, so nothing to allocate. */
function isNormal(path: string): boolean {
  if (path.length > 1 && path.endsWith('/')) return false
  return !path.includes('//') && !path.includes('/.')
}

function normalise(path: string): string {
  const isAbsolute = path.startsWith('/')
  const kept: string[] = []
  for (const component of path.split('/')) {
    if (component === '' || component === '.') continue
    if (component === '..') kept.pop()
    else kept.push(component)
  }
  return isAbsolute ? `/${kept.join('/')}` : kept.join('/')
}

/** The directory of a path: `/` for what lies directly in it. */
export function parentOf(path: string): string {
  const slash = path.lastIndexOf('/')
  return slash <= 0 ? '/' : path.slice(0, slash)
}

export function baseOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1)
}

/** fd.nameraw: as it was passed, but for slashes in a row. */
export const withoutDoubleSlashes = (path: string) =>
  path.includes('//') ? path.replaceAll(/\/{2,}/g, '/') : path
