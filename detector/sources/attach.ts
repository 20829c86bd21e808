/** Loads riposte.bpf.o with just what was asked for and hooks it in: by features of the kernel, never by version. */
import { existsSync, readFileSync } from 'node:fs'
import { arch } from 'node:process'
import { type BpfObject, isBpfFailure, kernelHas, objectPath, openReader } from '../native.ts'
import { ownPidNamespace } from '../scope/pid-namespace.ts'
import { calls, processEvents, processHooks, tracepointOf } from './hooks.ts'
import { openTracepoints, type Tracepoints } from './tracefs.ts'

/** 32-bit calls: decoded where the kernel runs 32-bit code, everywhere, or nowhere (docs/decisions). */
export type CompatMode = 'auto' | 'always' | 'never'

export interface AttachOptions {
  readonly events: readonly string[]
  readonly compat: CompatMode
  /** Bytes of each ring, a power of two and a multiple of the page. */
  readonly ringBytes: { readonly process: number; readonly file: number; readonly network: number }
  /** Leave out our own calls, or the files that we read about an event would be events. */
  readonly isSelfHidden: boolean
  /** False takes the hook for all calls even where tracefs is there: for its tests and benches. */
  readonly isTracefsUsed: boolean
  readonly scope: KernelScope
  /** Where the BPF objects are: elsewhere for the test that breaks one. */
  readonly pathOf?: (name: string) => string
}

/** Only tasks in this cgroup are told, struck and scanned; level 0 is the whole machine (detector/scope). */
export interface KernelScope {
  readonly level: number
  readonly cgroupId: bigint
}

/** The variables of maps.h and numbers.h that say what is told, and by which numbers. */
export function scopeVariables({ level, cgroupId }: KernelScope) {
  const pids = ownPidNamespace()
  return {
    scope_level: u32(level),
    scope_cgroup: new Uint8Array(BigUint64Array.of(cgroupId).buffer),
    pid_level: u32(pids.level),
    pid_namespace_inode: u32(pids.inode),
  }
}

export interface Attached {
  readonly object: BpfObject
  /** Asked for, but this kernel or build cannot: one sentence each. */
  readonly degraded: readonly string[]
  readonly isCompatDecoded: boolean
}

const isAmd64 = arch === 'x64'
const CALL_NUMBERS = 512
const COMPAT_OFFSET = CALL_NUMBERS
/** Where the program that judges and sends is, behind all that fill a record. */
const LAST_STAGE = 2 * CALL_NUMBERS
/** The 32-bit call behind which all socket calls may be. */
const SOCKETCALL = 102

export function attach(options: AttachOptions): Attached {
  // Where all calls have to be looked at anyway, their own tracepoints would only be paid for twice.
  const isOwnHookUsed = options.isTracefsUsed && !isCompatDecoded(options.compat)
  const tracepoints = isOwnHookUsed ? openTracepoints() : undefined
  try {
    return attachWhatLoads(options, tracepoints, [])
  } catch (error) {
    if (tracepoints === undefined || !isPerfRefused(error)) throw error
    return attachWhatLoads(options, undefined, [])
  } finally {
    tracepoints?.close()
  }
}

/** Attaching to a single call's tracepoint takes perf_event_open, which a seccomp profile or a distribution may refuse. */
const isPerfRefused = (error: unknown): boolean =>
  isBpfFailure(error) &&
  ['EPERM', 'EACCES', 'ENOSYS'].includes(error.code) &&
  error.message.startsWith('cannot attach exit_')

const isCompatDecoded = (mode: CompatMode): boolean =>
  isAmd64 && (mode === 'always' || (mode === 'auto' && runsCompatCode()))

/** CONFIG_IA32_EMULATION brings the setting; ia32_emulation=off takes the entry away and leaves it. */
const runsCompatCode = (): boolean =>
  existsSync('/proc/sys/abi/vsyscall32') &&
  !/\bia32_emulation=(?:0|n|off|false)\b/.test(readFileSync('/proc/cmdline', 'utf8'))

/** A program that this kernel refuses costs its own event, not all of them: that one is left out and reported. */
function attachWhatLoads(
  options: AttachOptions,
  tracepoints: Tracepoints | undefined,
  refused: readonly string[],
): Attached {
  try {
    return attachWith(options, tracepoints, refused)
  } catch (error) {
    const event = isBpfFailure(error) ? refusedEvent(error.log) : undefined
    if (event === undefined || !options.events.includes(event)) throw error
    const events = options.events.filter((name) => name !== event)
    const reasons = [...refused, `the kernel refuses the program for ${event}: it is not seen`]
    return attachWhatLoads({ ...options, events }, tracepoints, reasons)
  }
}

/** As libbpf words it: `prog 'exit_openat2': failed to load: -22`. */
const refusedEvent = (log: string): string | undefined =>
  /prog '(?:exit|raw)_(\w+)': failed to load/.exec(log)?.[1]

/** One program to load: hooked to its own tracepoint, or entered in the table behind any_call. */
interface Planned {
  readonly event: string
  readonly tracepointId: number | undefined
  readonly native: number | null
  readonly compat: number | null
}

function attachWith(
  options: AttachOptions,
  tracepoints: Tracepoints | undefined,
  refused: readonly string[],
): Attached {
  const degraded: string[] = [...refused]
  const known = builtPrograms()
  const plan = options.events.flatMap((event) => planned(event, tracepoints, known, degraded))
  const behindAnyCall = plan.filter(({ tracepointId }) => tracepointId === undefined)
  const compatCalls = isCompatDecoded(options.compat) ? plan : []
  const extra = extraHooks(options.events, known, degraded)
  const hasSocketCall = compatCalls.some(({ event }) => socketCalls[event] !== undefined)
  const autoload = new Set<string>([
    ...processHooks,
    ...extra,
    ...plan.flatMap(({ event, tracepointId }) =>
      tracepointId === undefined ? [] : [`exit_${event}`],
    ),
    ...[...behindAnyCall, ...compatCalls.filter(({ compat }) => compat !== null)].map(
      ({ event }) => `raw_${event}`,
    ),
    ...(hasSocketCall && known.has('raw_socketcall') ? ['raw_socketcall'] : []),
    ...(behindAnyCall.length > 0 ? ['any_call', 'raw_last'] : []),
    ...(behindAnyCall.length < plan.length ? ['exit_last'] : []),
  ])
  const object = openReader(
    'riposte',
    {
      autoload: [...autoload],
      maxEntries: {
        records: possibleCpus(),
        process_ring: options.ringBytes.process,
        file_ring: options.ringBytes.file,
        network_ring: options.ringBytes.network,
      },
      variables: {
        own_pid: u32(options.isSelfHidden ? process.pid : 0),
        ...scopeVariables(options.scope),
        socket_calls: u32(socketCallBits(compatCalls.map(({ event }) => event))),
        wanted_calls: callBits([
          ...behindAnyCall.map(({ native }) => native),
          ...compatCalls.map(({ compat }) => compat),
          hasSocketCall ? SOCKETCALL : null,
        ]),
      },
    },
    options.pathOf,
  )
  try {
    return hook(object, { plan, behindAnyCall, compatCalls, extra, degraded, options, autoload })
  } catch (error) {
    object.close()
    throw error
  }
}

interface HookPlan {
  readonly plan: readonly Planned[]
  readonly behindAnyCall: readonly Planned[]
  readonly compatCalls: readonly Planned[]
  readonly extra: readonly string[]
  readonly degraded: string[]
  readonly options: AttachOptions
  readonly autoload: ReadonlySet<string>
}

function hook(object: BpfObject, to: HookPlan): Attached {
  const enter = (number: number | null, program: string) => {
    if (number !== null) object.update('calls', u32(number), u32(object.programFd(program)))
  }
  for (const { event, native } of to.behindAnyCall) enter(native, `raw_${event}`)
  for (const { event, compat } of to.compatCalls)
    if (compat !== null) enter(COMPAT_OFFSET + compat, `raw_${event}`)
  if (to.autoload.has('raw_socketcall')) enter(COMPAT_OFFSET + SOCKETCALL, 'raw_socketcall')
  if (to.autoload.has('raw_last')) enter(LAST_STAGE, 'raw_last')
  if (to.autoload.has('exit_last'))
    object.update('last_stage', u32(0), u32(object.programFd('exit_last')))
  for (const program of [...processHooks, ...to.extra]) object.attach(program)
  for (const { event, tracepointId } of to.plan)
    if (tracepointId !== undefined) object.attach(`exit_${event}`, { tracepointId })
  if (to.autoload.has('any_call')) object.attach('any_call')
  return { object, degraded: to.degraded, isCompatDecoded: isCompatDecoded(to.options.compat) }
}

function planned(
  event: string,
  tracepoints: Tracepoints | undefined,
  known: ReadonlySet<string>,
  degraded: string[],
): readonly Planned[] {
  const numbers = calls[event]
  if (numbers === undefined || !known.has(`raw_${event}`)) {
    if (!processEvents.has(event) && extraEvents[event] === undefined)
      degraded.push(`no program tells ${event}`)
    return []
  }
  const native = isAmd64 ? numbers.x64 : numbers.arm64
  const tracepointId = tracepoints?.id('syscalls', `sys_exit_${tracepointOf(event)}`)
  return [{ event, tracepointId, native, compat: numbers.ia32 }]
}

/** Sub-calls of the 32-bit socketcall (include/uapi/linux/net.h) by the event that each is told as. */
const socketCalls: Readonly<Record<string, readonly number[]>> = {
  socket: [1],
  bind: [2],
  connect: [3],
  listen: [4],
  accept: [5],
  sendto: [9, 11],
  recvfrom: [10, 12],
  sendmsg: [16],
  recvmsg: [17],
  accept4: [18],
}

const socketCallBits = (events: readonly string[]): number =>
  events
    .flatMap((event) => socketCalls[event] ?? [])
    .reduce((bits, number) => bits | (1 << number), 0)

function callBits(numbers: readonly (number | null)[]): Uint8Array {
  const bits = new Uint8Array(CALL_NUMBERS / 8)
  for (const number of numbers)
    if (number !== null) bits[number >> 3] = (bits[number >> 3] ?? 0) | (1 << (number & 7))
  return bits
}

/** Events that come from a kernel tracepoint of their own: the program, and the tracepoint that it needs. */
const extraEvents: Readonly<Record<string, { program: string; tracepoint: string }>> = {
  io_uring_submit: { program: 'on_io_uring_submit', tracepoint: 'io_uring_submit_req' },
}

function extraHooks(
  events: readonly string[],
  known: ReadonlySet<string>,
  degraded: string[],
): readonly string[] {
  return events.flatMap((event) => {
    const hooked = extraEvents[event]
    if (hooked === undefined || !known.has(hooked.program)) return []
    if (kernelHas('typedef', `btf_trace_${hooked.tracepoint}`)) return [hooked.program]
    degraded.push(`the kernel has no ${hooked.tracepoint} tracepoint: ${event} is not seen`)
    return []
  })
}

/** Names of all programs in the object file, read from its bytes: asking libbpf would load it. */
function builtPrograms(): ReadonlySet<string> {
  const text = readFileSync(objectPath('riposte'), 'latin1')
  return new Set(text.match(/\b(?:raw|exit|on)_[a-z0-9_]+/g))
}

function possibleCpus(): number {
  const ranges = readFileSync('/sys/devices/system/cpu/possible', 'utf8').trim().split(',')
  return 1 + Math.max(...ranges.map((range) => Number(range.split('-').at(-1))))
}

const u32 = (value: number) => new Uint8Array(Uint32Array.of(value).buffer)
