import { setTimeout as pause } from 'node:timers/promises'
import type { z } from 'zod'
import { nodeActionParameters } from '../../contract/node-actions.ts'
import type { Scope } from '../scope/scope.ts'
import { failed, nodeAction, type NodeCall } from './action.ts'
import { stopMembers, membersNow, processesEffectSchema, refs, sentence } from './members.ts'
import type { ProcessesEffect, Reach } from './members.ts'
import { cgroupOfPlace } from './place-cgroup.ts'
import { freezableOf, isAsked } from './freezer.ts'
import { find, label, type ProcessRef } from './proc.ts'
import { signal, type SignalName } from './signals.ts'

const parameters = nodeActionParameters.kill_process
type Call = NodeCall<z.infer<typeof parameters>>

const signals = {
  KILL: 'SIGKILL',
  TERM: 'SIGTERM',
  INT: 'SIGINT',
  HUP: 'SIGHUP',
  QUIT: 'SIGQUIT',
} as const satisfies Record<string, SignalName>

/** How long the kernel may take to end what it was told to (a process in an uninterruptible read). */
const GONE_WITHIN_MS = 2000

/** More than one process is stopped whole before the first is killed, so that none forks out of the set. */
export const killProcess = nodeAction({
  name: 'kill_process',
  parameters,
  effect: processesEffectSchema,
  isEffectful: true,
  isRepeatable: true,

  plan(call) {
    const { processes, spared } = membersNow(reachOf(call, []))
    const detail = sentence('kill', processes, spared)
    return Promise.resolve({
      kind: 'change',
      detail,
      effect: { processes: refs(processes), spared },
    })
  },

  async run(call, planned) {
    const { scope, signal: name } = call.parameters
    const reach = reachOf(call, planned?.processes ?? [])
    const { processes, spared } = scope === 'process' ? membersNow(reach) : stopMembers(reach)
    for (const process of processes) signal(process, signals[name])
    // A stopped process acts on any signal but SIGKILL only once it continues.
    if (name !== 'KILL' && scope !== 'process')
      for (const process of processes) signal(process, 'SIGCONT')
    const effect: ProcessesEffect = { processes: refs(processes), spared }
    if (name === 'KILL') await goneInTime(processes, call)
    return {
      detail: sentence(name === 'KILL' ? 'killed' : `sent ${name} to`, processes, spared),
      effect,
    }
  },

  verify: (_call, effect) =>
    Promise.resolve(effect.processes.every((process) => find(process) === undefined)),
})

function reachOf(call: Call, planned: readonly ProcessRef[]): Reach {
  const { place, process: target, guard, scope: own } = call
  const { scope } = call.parameters
  if (scope !== 'container') return { target, scope, planned, guard }
  const cgroup = cgroupOfPlace(place, own, 'container').directory
  return { target, scope: 'tree', planned, guard, cgroup }
}

async function goneInTime(
  processes: readonly ProcessRef[],
  { signal: deadline, scope }: Pick<Call, 'signal' | 'scope'>,
): Promise<void> {
  const until = performance.now() + GONE_WITHIN_MS
  for (let wait = 1; ; wait = Math.min(wait * 2, 50)) {
    const left = processes.filter((process) => find(process) !== undefined)
    if (left.length === 0) return
    if (deadline.aborted || performance.now() > until)
      throw failed(
        `still there after SIGKILL: ${left.map(label).join(', ')}${hint(left, scope)}`,
        undefined,
        true,
      )
    await pause(wait)
  }
}

/** The v1 freezer holds back SIGKILL too, the v2 one does not; thawing is left to who froze, others may be in there. */
function hint(processes: readonly ProcessRef[], scope: Scope): string {
  const frozen = processes
    .map(({ pid }) => freezableOf(null, pid, scope))
    .find((cgroup) => cgroup && isAsked(cgroup))
  return frozen === undefined ? '' : `; they die once ${frozen.directory} is thawed`
}
