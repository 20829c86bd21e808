/** A process by its pid and start time: a pid alone is given to others later. */
import { readFile } from 'node:fs/promises'

export interface Owner {
  readonly pid: number
  /** In clock ticks since boot, as /proc/PID/stat has it. */
  readonly startTime: string
}

export async function ownerOf(pid: number): Promise<Owner> {
  return { pid, startTime: await startTimeOf(pid) }
}

export async function isAlive({ pid, startTime }: Owner): Promise<boolean> {
  try {
    return (await startTimeOf(pid)) === startTime
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false
    throw error
  }
}

async function startTimeOf(pid: number): Promise<string> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8')
  // The command's name may hold spaces and brackets; what follows its last bracket is fields 3 and on.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return fields[19] ?? ''
}
