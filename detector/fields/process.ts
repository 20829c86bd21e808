/** proc.*: the process that caused the event, its parent, its ancestors, its session and group. */
import type { Event } from '../events/event.ts'
import { type Process, ancestor, commandLineOf } from '../state/process.ts'
import type { Field, FieldType, Scalar } from './index.ts'
import { executeFlagNames } from './flags.ts'
import { ancestorRow, index, indexed, parentRow, processRow, row } from './row.ts'

type Read = (process: Process) => Scalar | undefined

/** One thing of the process, of its parent, and of any ancestor: proc.name, proc.pname, proc.aname. */
const family = (suffix: string, type: FieldType, help: string, read: Read): Field[] => [
  processRow(`proc.${suffix}`, type, help, read),
  parentRow(`proc.p${suffix}`, type, `${help}, of the parent`, read),
  ancestorRow(
    `proc.a${suffix}`,
    type,
    `${help}, of an ancestor: [1] is the parent; of any without an index`,
    read,
  ),
]

const argumentsOf = (process: Process) => process.args.join(' ')
const environmentOf = (process: Process) => process.env.join(' ')

/** The value of a variable, '' where it is not set. */
function variable(process: Process, name: string): string {
  const entry = process.env.find((one) => one.startsWith(`${name}=`))
  return entry === undefined ? '' : entry.slice(name.length + 1)
}

/** The nearest ancestor that has the variable tells it. */
function inherited(process: Process, name: string): string {
  for (let above = process.parent; above !== undefined; above = above.parent) {
    const value = variable(above, name)
    if (value !== '') return value
  }
  return ''
}

const perProcess = (read: (process: Process) => Scalar | undefined) => (event: Event) =>
  event.process === undefined ? undefined : read(event.process)

function bindArguments(argument: string | undefined) {
  if (argument === undefined) return perProcess(argumentsOf)
  const at = index(argument)
  if (at === undefined)
    return { problem: 'proc.args takes the number of an argument: proc.args[0]' }
  return perProcess((process) => process.args[at] ?? '')
}

function bindAncestorArguments(argument: string | undefined) {
  if (argument === undefined)
    return perProcess((process) => {
      const all: string[] = []
      for (let above = process.parent; above; above = above.parent) all.push(argumentsOf(above))
      return all.length === 0 ? undefined : all.join(' ')
    })
  const level = index(argument)
  if (level === undefined) return { problem: 'proc.aargs takes a level: proc.aargs[1]' }
  return perProcess((process) => {
    const found = ancestor(process, level)
    return found === undefined ? undefined : argumentsOf(found)
  })
}

function bindEnvironment(argument: string | undefined) {
  if (argument === undefined) return perProcess(environmentOf)
  return perProcess((process) => variable(process, argument))
}

/** Falco: without an argument and with [0] the process's own; a name is looked for from the parent upwards. */
function bindAncestorEnvironment(argument: string | undefined) {
  if (argument === undefined) return perProcess(environmentOf)
  const level = index(argument)
  if (level === undefined) return perProcess((process) => inherited(process, argument))
  return perProcess((process) => {
    const found = ancestor(process, level)
    return found === undefined ? undefined : environmentOf(found)
  })
}

/** The last shell on the way up: the one that somebody logged in with. */
function loginShell(process: Process): number | undefined {
  let shell: number | undefined
  for (let above: Process | undefined = process; above; above = above.parent)
    if (above.name?.endsWith('sh')) shell = above.pid
  return shell
}

/** Nanoseconds that the process has run at the time of the event. */
const age = (process: Process | undefined, { view }: Event) =>
  process === undefined ? undefined : view.timeNs - process.startTimeNs
const startedAt = (process: Process | undefined, { state }: Event) =>
  process === undefined ? undefined : state.host.wallTimeNs(process.startTimeNs)

const namespaceStart = ({ pidNamespaceStartNs }: Process, { state }: Event) =>
  pidNamespaceStartNs === undefined ? undefined : state.host.wallTimeNs(pidNamespaceStartNs)

const hasExeFlag = (name: string) => {
  const bit = executeFlagNames.find(([known]) => known === name)?.[1] ?? 0
  return (process: Process) => (process.exeFlags & bit) !== 0
}

export const processFields: readonly Field[] = [
  ...family('exe', 'string', 'argv[0], which the caller chose', (process) => process.exe),
  ...family('exepath', 'string', 'path of the file that runs', (process) => process.exePath),
  ...family('name', 'string', 'name (comm), at most 15 bytes', (process) => process.name),
  ...family('cmdline', 'string', 'name and arguments', commandLineOf),
  indexed('proc.args', 'string', 'arguments without argv[0]; [n] one of them', bindArguments),
  indexed('proc.aargs', 'string', 'arguments of the ancestors', bindAncestorArguments),
  processRow('proc.cmdnargs', 'uint', 'number of arguments', (process) => process.args.length),
  processRow('proc.cmdlenargs', 'uint', 'length of all arguments together', (process) =>
    process.args.reduce((sum, argument) => sum + Buffer.byteLength(argument), 0),
  ),
  processRow('proc.exeline', 'string', 'argv[0] and arguments', (process) =>
    process.exe === undefined ? undefined : `${process.exe} ${argumentsOf(process)}`,
  ),
  indexed('proc.env', 'string', 'environment; [NAME] one variable', bindEnvironment),
  indexed('proc.aenv', 'string', 'environment of an ancestor', bindAncestorEnvironment, {
    isPlain: true,
  }),
  processRow('proc.cwd', 'string', 'working directory', (process) => process.cwd),
  processRow('proc.tty', 'uint', 'controlling terminal, 0 for none', (process) => process.tty ?? 0),
  processRow('proc.loginshellid', 'pid', 'pid of the topmost shell above', loginShell),
  row('proc.pid', 'pid', 'process id', ({ view }) => view.pid),
  processRow('proc.ppid', 'pid', 'process id of the parent', (process, { view }) => {
    const parent = process.parent?.pid ?? process.parentPid
    return parent > 0 ? parent : view.parentPid
  }),
  ancestorRow('proc.apid', 'pid', 'process id of an ancestor', (process) => process.pid),
  processRow('proc.vpid', 'pid', 'process id in its own namespace', (p) => p.virtualPid),
  parentRow('proc.pvpid', 'pid', 'the same of the parent', (process) => process.virtualPid),
  processRow('proc.duration', 'reltime', 'nanoseconds since the process began', age),
  processRow('proc.ppid.duration', 'reltime', 'nanoseconds since its parent began', (p, event) =>
    age(p.parent, event),
  ),
  processRow('proc.pid.ts', 'reltime', 'start, in nanoseconds since 1970', startedAt),
  processRow('proc.ppid.ts', 'reltime', 'start of the parent', (p, event) =>
    startedAt(p.parent, event),
  ),
  processRow(
    'proc.is_exe_writable',
    'bool',
    'its user may write the file that runs',
    hasExeFlag('EXE_WRITABLE'),
  ),
  processRow(
    'proc.is_exe_upper_layer',
    'bool',
    'the file that runs is new in the container',
    hasExeFlag('EXE_UPPER_LAYER'),
  ),
  processRow(
    'proc.is_exe_lower_layer',
    'bool',
    'the file that runs is of the image',
    hasExeFlag('EXE_LOWER_LAYER'),
  ),
  processRow(
    'proc.is_exe_from_memfd',
    'bool',
    'the file that runs exists in memory only',
    hasExeFlag('EXE_FROM_MEMFD'),
  ),
  processRow('proc.exe_ino', 'int', 'inode of the file that runs', (process) =>
    process.exeInode === 0 ? undefined : process.exeInode,
  ),
  processRow('proc.exe_ino.ctime', 'abstime', 'when its inode last changed', (p) => p.exeChangedNs),
  processRow('proc.exe_ino.mtime', 'abstime', 'when it was last written', (p) => p.exeModifiedNs),
  processRow(
    'proc.exe_ino.ctime_duration_proc_start',
    'abstime',
    'nanoseconds from the change of the file to the start of the process',
    (process, event) => after(process.exeChangedNs, startedAt(process, event)),
  ),
  processRow(
    'proc.exe_ino.ctime_duration_pidns_start',
    'abstime',
    'nanoseconds from the start of its pid namespace to the change of the file',
    (process, event) => after(namespaceStart(process, event), process.exeChangedNs),
  ),
  processRow(
    'proc.pidns_init_start_ts',
    'uint',
    'start of its pid namespace, in nanoseconds since 1970',
    namespaceStart,
  ),
  processRow('proc.fdlimit', 'int', 'most descriptors that it may have', (p) => p.fdLimit),
  processRow('proc.vmsize', 'uint', 'virtual memory in KB, at its exec', (p) => p.vmSize),
  processRow('proc.vmrss', 'uint', 'resident memory in KB, at its exec', (p) => p.vmRss),
  processRow('proc.vmswap', 'uint', 'swapped memory in KB, at its exec', (p) => p.vmSwap),
]

/** How much later the second is; missing when one is, or when it is not later. */
const after = (first: bigint | undefined, second: bigint | undefined) =>
  first === undefined || second === undefined || first === 0n || second <= first
    ? undefined
    : second - first
