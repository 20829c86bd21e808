/**
 * Takes a run away: the one way in which a cluster ends, after a test as after a crash. Everything is found by the
 * run's name, so that nothing can be missing from a list: a component that has just started is in its control group.
 */
import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { removeCgroups } from './cgroups.ts'
import { must } from './command.ts'
import { removeNetwork } from './network.ts'

export const records = '/run/riposte-cluster'
/** Not below /run, /var/lib or /var/log, which a node has of its own. */
const folders = '/var/cache/riposte-cluster'

export const recordOf = (runId: string) => join(records, `${runId}.json`)
export const folderOf = (runId: string) => join(folders, runId)

/** Idempotent; the record goes last, so that what is interrupted here is taken up by the next. */
export async function sweep(runId: string): Promise<void> {
  await removeCgroups(`${runId}-`)
  await unmountBelow(`${folderOf(runId)}/`)
  await removeNetwork(runId)
  await rm(folderOf(runId), { recursive: true, force: true })
  await rm(recordOf(runId), { force: true })
}

/** Nodes mount in a namespace of their own; this is for what somebody mounted by hand. */
async function unmountBelow(folder: string): Promise<void> {
  for (const path of (await mountsBelow(folder)).toReversed()) await must('umount', ['-l', path])
}

export async function mountsBelow(folder: string): Promise<string[]> {
  const mounts = await readFile('/proc/self/mounts', 'utf8')
  return mounts
    .split('\n')
    .map((line) => line.split(' ')[1] ?? '')
    .filter((path) => path.startsWith(folder))
}
