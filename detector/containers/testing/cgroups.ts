/** Cgroups of a test, in every hierarchy that is mounted; gone with the test, also when it fails. */
import { existsSync, readFileSync, readdirSync, rmdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { isSystemError } from '../../state/accounts.ts'

/** `/sys/fs/cgroup/cpu`, …, `/sys/fs/cgroup/unified`, or the one of a machine that has only v2. */
const hierarchies = (): string[] =>
  readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .filter((line) => / - cgroup2? /.test(line))
    .map((line) => line.split(' ')[4] ?? '')

/** Kills what is left below `/name` and removes it; true while something of it is still there. */
export function removeCgroups(name: string): boolean {
  const folders = hierarchies().map((root) => join(root, name))
  for (const folder of folders) removeTree(folder)
  return folders.some((folder) => existsSync(folder))
}

function removeTree(folder: string): void {
  if (statSync(folder, { throwIfNoEntry: false })?.isDirectory() !== true) return
  for (const entry of readdirSync(folder, { withFileTypes: true }))
    if (entry.isDirectory()) removeTree(join(folder, entry.name))
  for (const pid of readFileSync(join(folder, 'cgroup.procs'), 'utf8').split('\n').filter(Boolean))
    tryTo(() => process.kill(Number(pid), 'SIGKILL'))
  tryTo(() => rmdirSync(folder))
}

/** Somebody else may have ended or removed it just now. */
export function tryTo(act: () => void): void {
  try {
    act()
  } catch (cause) {
    if (!isSystemError(cause)) throw cause
  }
}
