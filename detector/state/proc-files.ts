/** What /proc tells of a process: the last resort, since it may be another's by the time it is read. */
import { readFileSync, readdirSync, readlinkSync, statSync } from 'node:fs'
import { isSystemError } from './accounts.ts'
import { containerOf } from './containers.ts'
import { type Process, TICK_NS, newProcess } from './process.ts'

/** The process that has the pid now, with its start time to the 10 ms of /proc; undefined when there is none. */
export function readProcess(proc: string, pid: number): Process | undefined {
  const directory = `${proc}/${pid}`
  const stat = statFields(textOf(`${directory}/stat`))
  if (stat === undefined) return undefined
  const process = newProcess(pid, stat.startTimeNs)
  process.name = stat.name
  process.parentPid = stat.parentPid
  process.groupPid = stat.groupPid
  process.sessionId = stat.sessionId
  process.tty = stat.tty
  const [exe, ...args] = listOf(`${directory}/cmdline`)
  process.exe = exe ?? stat.name
  process.args = args
  process.env = listOf(`${directory}/environ`)
  process.cwd = linkOf(`${directory}/cwd`)
  process.cgroups = textOf(`${directory}/cgroup`).split('\n').filter(Boolean).map(asControllerPath)
  const container = containerOf(process.cgroups)
  process.containerId = container.id
  process.fullContainerId = container.fullId
  readStatus(process, textOf(`${directory}/status`))
  readExecutable(process, directory)
  const login = Number(textOf(`${directory}/loginuid`) || -1)
  process.loginUserId = login === 0xffff_ffff ? -1 : login
  // Read once more: the pid may have been taken over between the files.
  const after = statFields(textOf(`${directory}/stat`))
  if (after?.startTimeNs !== stat.startTimeNs) return undefined
  process.isImageKnown = true
  return process
}

export const pidsIn = (proc: string): number[] =>
  readdirSync(proc)
    .filter((name) => /^\d+$/.test(name))
    .map(Number)

interface StatFields {
  readonly name: string
  readonly parentPid: number
  readonly groupPid: number
  readonly sessionId: number
  readonly tty: number
  readonly startTimeNs: bigint
}

/** proc_pid_stat(5). The name stands in brackets and may itself hold any. */
function statFields(text: string): StatFields | undefined {
  const close = text.lastIndexOf(')')
  if (close < 0) return undefined
  const rest = text.slice(close + 2).split(' ')
  const number = (field: number) => Number(rest[field - 3] ?? 0)
  return {
    name: text.slice(text.indexOf('(') + 1, close),
    parentPid: number(4),
    groupPid: number(5),
    sessionId: number(6),
    tty: number(7),
    startTimeNs: BigInt(rest[22 - 3] ?? '0') * TICK_NS,
  }
}

function readStatus(process: Process, text: string): void {
  const values = new Map<string, string>()
  for (const line of text.split('\n')) {
    const colon = line.indexOf(':')
    values.set(line.slice(0, colon), line.slice(colon + 1).trim())
  }
  const words = (key: string) => (values.get(key) ?? '').split(/\s+/)
  const capability = (key: string) => {
    const hex = values.get(key)
    return hex === undefined ? undefined : BigInt(`0x${hex}`)
  }
  const kilobytes = (key: string) => (values.has(key) ? Number.parseInt(values.get(key) ?? '') : 0)
  process.userId = Number(words('Uid')[1] ?? 0)
  process.groupId = Number(words('Gid')[1] ?? 0)
  process.virtualPid = Number(words('NStgid').at(-1) ?? process.pid)
  process.virtualGroupPid = Number(words('NSpgid').at(-1) ?? process.groupPid)
  process.capInheritable = capability('CapInh')
  process.capPermitted = capability('CapPrm')
  process.capEffective = capability('CapEff')
  process.vmSize = kilobytes('VmSize')
  process.vmRss = kilobytes('VmRSS')
  process.vmSwap = kilobytes('VmSwap')
}

function readExecutable(process: Process, directory: string): void {
  // The mark is /proc's; records have the path without it.
  process.exePath = linkOf(`${directory}/exe`)?.replace(/ \(deleted\)$/, '')
  if (process.exePath === undefined) return
  // A deleted file keeps its inode behind the link; Falco's EXE_FROM_MEMFD is bit 2.
  if (process.exePath.startsWith('/memfd:')) process.exeFlags |= 4
  try {
    const stat = statSync(`${directory}/exe`, { bigint: true })
    process.exeInode = Number(stat.ino)
    process.exeChangedNs = stat.ctimeNs
    process.exeModifiedNs = stat.mtimeNs
  } catch (cause) {
    if (!isSystemError(cause)) throw cause
  }
}

/** `4:memory:/user.slice` is `memory=/user.slice` in records; of the unified tree the name is empty. */
function asControllerPath(line: string): string {
  const [, controllers = '', path = ''] = /^\d+:([^:]*):(.*)$/.exec(line) ?? []
  return `${controllers}=${path}`
}

const listOf = (path: string) => {
  const text = textOf(path).replace(/\0$/, '')
  return text === '' ? [] : text.split('\0')
}

const textOf = (path: string) => reading(() => readFileSync(path, 'utf8')) ?? ''
const linkOf = (path: string) => reading(() => readlinkSync(path))

/** Gone, a kernel thread, or not ours to read: all of them mean that it cannot be known. */
function reading<T>(read: () => T): T | undefined {
  try {
    return read()
  } catch (cause) {
    if (isSystemError(cause)) return undefined
    throw cause
  }
}
