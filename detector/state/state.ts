/** Everything that the fields know beyond the record: processes, users, containers, the host. */
import { ContainerTable } from './container-table.ts'
import { type Host, createHost } from './host.ts'
import { type Learner, createLearner } from './learn.ts'
import { pidsIn } from './proc-files.ts'
import { ProcessTable, type ProcessTableOptions } from './processes.ts'
import { type Users, createUsers } from './users.ts'

export interface State {
  readonly processes: ProcessTable
  readonly containers: ContainerTable
  readonly learner: Learner
  readonly users: Users
  readonly host: Host
  /** Once a second: looks again at what may have changed without a record (accounts, the wall clock). */
  refresh(): void
  /** The kernel's scan has told all it had: what it left out is read from /proc. */
  endScan(): void
  /** After lost process records, and every few minutes: ends what /proc no longer has. */
  reconcile(): void
}

export interface StateOptions {
  /** Where the host's files are when the detector runs in a container; HOST_ROOT, or the root itself. */
  readonly hostRoot: string
  readonly processes: Partial<ProcessTableOptions>
  /** 0 for a replay, which must not ask the host that it runs on. */
  readonly lookUpsPerSecond: number
  readonly host: Host
  /** Processes that are this detector's; others are only looked up as somebody's ancestor. All if not said. */
  readonly covers: (pid: number) => boolean
}

export function createState(options: Partial<StateOptions> = {}): State {
  const hostRoot = options.hostRoot ?? process.env['HOST_ROOT'] ?? ''
  const proc = `${hostRoot}/proc`
  const processes = new ProcessTable(options.processes)
  const containers = new ContainerTable()
  const perSecond = options.lookUpsPerSecond ?? 200
  const isHostAsked = perSecond > 0
  const learner = createLearner(processes, {
    proc,
    perSecond,
    containers,
    covers: options.covers,
  })
  const users = createUsers(hostRoot)
  const host = options.host ?? createHost()
  return {
    processes,
    containers,
    learner,
    users,
    host,
    refresh() {
      users.refresh()
      host.refresh()
    },
    endScan() {
      if (isHostAsked) learner.scan(host.nowNs())
      processes.endScan()
    },
    reconcile: () => processes.reconcile(new Set(pidsIn(proc)), host.nowNs()),
  }
}
