/** Live records of this host's kernel: hooks in, records out, oldest first, without a copy. */
import { RecordView } from '../events/record-view.ts'
import { type RecordClass, recordClasses } from '../events/schema.ts'
import type { EventView } from '../events/view.ts'
import { type BpfObject, openWaiter } from '../native.ts'
import { attach, type CompatMode, type KernelScope } from './attach.ts'
import { createLosses, type Loss } from './losses.ts'
import { drainMerged } from './merge.ts'
import { Ring } from './ring.ts'
import { scanTasks } from './scan.ts'

export interface KernelOptions {
  /** Names of schema.ts: only their hooks are attached. Exec, fork and exit always come, they cost nothing. */
  readonly events: readonly string[]
  /** The view and its bytes are good until it returns. */
  readonly onEvent: (view: EventView) => void
  /** After records were delivered and none is left. */
  readonly onDrained?: () => void
  /** Records were lost: told within a second, and on the drain that follows. */
  readonly onLost: (loss: Loss) => void
  readonly compat?: CompatMode
  readonly ringBytes?: Partial<Record<RecordClass, number>>
  readonly isSelfHidden?: boolean
  readonly isTracefsUsed?: boolean
  readonly pathOf?: (name: string) => string
  /** The whole machine if not said. */
  readonly scope?: KernelScope
  /** Tell every process that already runs, marked `scanned`, before startKernel returns; true if not said. */
  readonly isScanWanted?: boolean
}

export interface KernelSource {
  /** The loaded programs and maps, for the judge (detector/judge). */
  readonly object: BpfObject
  /** What was asked for and cannot be had here, one sentence each. */
  readonly degraded: readonly string[]
  /** Records lost since start by class. */
  readonly lost: Readonly<Record<RecordClass, number>>
  /** False when running processes could not be told: read /proc instead. */
  readonly isScanned: boolean
  /** Whether 32-bit calls are decoded. */
  readonly isCompatDecoded: boolean
  /** Delivers what is there now; answers how many. Otherwise records come by themselves. */
  drain(): number
  /** Delivers what is there, then detaches everything; doing it again changes nothing. */
  close(): void
}

/** Records in one turn of the event loop: some two milliseconds with rules. */
const RECORDS_A_TURN = 4096
/** After a wake-up the thread gathers for so long: bounds wake-ups of a busy host, adds nothing on an idle one. */
const PAUSE_US = 500
const LOST_POLL_MS = 500
const MIB = 1024 * 1024

const wholeMachine: KernelScope = { level: 0, cgroupId: 0n }

export function startKernel(options: KernelOptions): KernelSource {
  const scope = options.scope ?? wholeMachine
  const { object, degraded, isCompatDecoded } = attach({
    events: options.events,
    compat: options.compat ?? 'auto',
    isSelfHidden: options.isSelfHidden ?? true,
    isTracefsUsed: options.isTracefsUsed ?? true,
    scope,
    ...(options.pathOf === undefined ? {} : { pathOf: options.pathOf }),
    ringBytes: {
      process: options.ringBytes?.process ?? 2 * MIB,
      file: options.ringBytes?.file ?? 4 * MIB,
      network: options.ringBytes?.network ?? 2 * MIB,
    },
  })
  const rings = recordClasses.map((name) => new Ring(object.ring(`${name}_ring`)))
  const [first] = rings
  if (first === undefined) throw new Error('no rings')
  const view = new RecordView(first.memory)
  const losses = createLosses(object, options.onLost)
  // Hooks are in already: who starts during the scan is told twice, never not at all.
  const isScanned = (options.isScanWanted ?? true) && scanTasks(view, options.onEvent, scope)
  let isOpen = true
  let isScheduled = false

  function drain(most: number): number {
    const delivered = drainMerged(rings, view, options.onEvent, most)
    losses.check()
    if (delivered > 0 && delivered < most) options.onDrained?.()
    return delivered
  }

  /** More than a turn's worth: the rest after others had theirs. */
  function turn(): void {
    isScheduled = false
    if (!isOpen) return
    if (drain(RECORDS_A_TURN) === 0 || isScheduled) return
    isScheduled = true
    setImmediate(turn)
  }

  const waiter = openWaiter(turn, PAUSE_US)
  for (const name of recordClasses) waiter.add(object.mapFd(`${name}_ring`))
  const poll = setInterval(() => losses.check(), LOST_POLL_MS).unref()

  return {
    object,
    degraded,
    isScanned,
    get lost() {
      return losses.counts()
    },
    isCompatDecoded,
    drain: () => (isOpen ? drain(Infinity) : 0),
    close() {
      if (!isOpen) return
      drain(RECORDS_A_TURN)
      isOpen = false
      clearInterval(poll)
      waiter.close()
      object.close()
    },
  }
}
