/** Files that are never taken from the host: without them nobody logs in, or nothing starts. */
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { protectedPrograms } from './guard.ts'
import { errorCode, readProc } from './proc.ts'

/** A trailing `/` covers a directory. */
const paths = [
  '/etc/passwd',
  '/etc/group',
  '/etc/shadow',
  '/etc/gshadow',
  '/etc/sudoers',
  '/etc/nsswitch.conf',
  '/etc/fstab',
  '/etc/hosts',
  '/etc/resolv.conf',
  '/etc/ld.so.cache',
  '/etc/ssh/',
  '/etc/pam.d/',
  '/etc/security/',
  '/etc/kubernetes/',
  '/boot/',
  '/dev/',
  '/proc/',
  '/sys/',
  ...protectedPrograms,
]

/** Why a file of the host is not taken; undefined when it may be. `path` has no links in it. */
export async function protectedFile(
  path: string,
  { dev, ino }: { dev: bigint; ino: bigint },
  dataDir: string,
): Promise<string | undefined> {
  const covers = (entry: string) => (entry.endsWith('/') ? path.startsWith(entry) : path === entry)
  if (paths.some(covers)) return 'every node keeps it'
  if (path.startsWith(`${dataDir}/`)) return "it is Riposte's"
  if (isMapped(1, dev, ino) || isMapped(process.pid, dev, ino))
    return 'pid 1 or Riposte runs from it'
  const owner = await packageOf(path)
  return owner === undefined ? undefined : `it belongs to the package ${owner}; reinstall that`
}

/** Whether a process has the file mapped: its executable, libc, the loader. */
function isMapped(pid: number, dev: bigint, ino: bigint): boolean {
  const device = [(dev >> 8n) & 0xfffn, (dev & 0xffn) | ((dev >> 12n) & 0xfff00n)]
  const needle = ` ${device.map((part) => part.toString(16).padStart(2, '0')).join(':')} ${ino} `
  return readProc(pid, 'maps')?.includes(needle) === true
}

/** What dpkg knows; other package managers are asked once they have a machine in the tests. */
async function packageOf(path: string): Promise<string | undefined> {
  // Before the merge of /usr, packages named /bin/bash what is now /usr/bin/bash.
  const names = path.startsWith('/usr/') ? [path, path.slice('/usr'.length)] : [path]
  for (const name of names) {
    try {
      const { stdout } = await promisify(execFile)('dpkg-query', ['--search', literal(name)])
      return stdout.split(':')[0]
    } catch (error) {
      if (errorCode(error) === 'ENOENT') return undefined
    }
  }
  return undefined
}

/** dpkg-query takes patterns. */
const literal = (path: string): string => path.replaceAll(/[\\*?[\]]/g, String.raw`\$&`)
