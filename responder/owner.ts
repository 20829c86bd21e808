/** Which process works on a step: enough to know later, on the same machine, that it is dead. */
import { randomUUID } from 'node:crypto'
import { readFileSync, readlinkSync } from 'node:fs'

/** Boot, pid namespace, pid and start time name a process for ever; the rest tells two cores in one process apart. */
export const thisOwner = (): string =>
  `${bootId()} ${pidNamespace()} ${process.pid} ${startTicks(process.pid) ?? ''} ${randomUUID()}`

/** False when it cannot be known: another machine's, or another pid namespace's. */
function isDead(owner: string): boolean {
  const [boot, namespace, pid = '', start] = owner.split(' ')
  if (boot !== bootId() || namespace !== pidNamespace()) return false
  return startTicks(Number(pid)) !== start
}

/** As `isDead`, for a ledger that only this machine can use: another boot's processes are dead too. */
export const isDeadHere = (owner: string): boolean =>
  owner.split(' ')[0] !== bootId() || isDead(owner)

const bootId = () => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
const pidNamespace = () => readlinkSync('/proc/self/ns/pid')

/** Field 22 of /proc/pid/stat, after the command's closing bracket; undefined when there is no such process. */
function startTicks(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]
  } catch {
    return undefined
  }
}
