import { setTimeout as pause } from 'node:timers/promises'
import { z } from 'zod'
import { nodeActionParameters } from '../../contract/node-actions.ts'
import { gone, nodeAction, refused, type NodeCall, type NodeDone } from './action.ts'
import { pidsIn } from './cgroups.ts'
import * as freezer from './freezer.ts'
import {
  membersNow,
  processesEffectSchema,
  refs,
  refuseProtected,
  sentence,
  stopMembers,
} from './members.ts'
import type { Reach } from './members.ts'
import { find, readStat, refOf, type ProcessRef } from './proc.ts'
import { signal } from './signals.ts'

const parameters = nodeActionParameters.freeze
type Call = NodeCall<z.infer<typeof parameters>>

const effectSchema = z.discriminatedUnion('how', [
  z.strictObject({ how: z.literal('cgroup'), cgroup: freezer.freezableSchema }),
  /** `processes` are those that ran before: what somebody else had stopped stays stopped on undo. */
  z.strictObject({ how: z.literal('signal'), ...processesEffectSchema.shape }),
])
type Effect = z.infer<typeof effectSchema>

export const freeze = nodeAction({
  name: 'freeze',
  parameters,
  effect: effectSchema,
  isEffectful: true,
  isRepeatable: true,

  plan(call) {
    const cgroup = cgroupOf(call)
    if (cgroup !== undefined) {
      const detail = `freeze the ${pidsIn(cgroup.directory).length} processes of ${cgroup.directory}`
      if (freezer.isAsked(cgroup))
        return Promise.resolve({ kind: 'already_done', detail: `${cgroup.directory} is frozen` })
      return Promise.resolve({ kind: 'change', detail, effect: { how: 'cgroup', cgroup } })
    }
    const { processes, spared } = membersNow(reachOf(call, []))
    const moving = processes.filter(({ state }) => state !== 'T')
    if (moving.length === 0)
      return Promise.resolve({
        kind: 'already_done',
        detail: sentence('stopped are', processes, spared),
      })
    const effect: Effect = { how: 'signal', processes: refs(moving), spared }
    return Promise.resolve({ kind: 'change', detail: sentence('freeze', moving, spared), effect })
  },

  async run(call, planned): Promise<NodeDone<Effect>> {
    const cgroup = cgroupOf(call)
    if (cgroup !== undefined) {
      freezer.setFrozen(cgroup, true)
      await freezer.comesToRest(cgroup, call.signal)
      return { detail: `froze ${cgroup.directory}`, effect: { how: 'cgroup', cgroup } }
    }
    const before = planned?.how === 'signal' ? planned.processes : []
    const { processes, spared } = stopMembers(reachOf(call, before))
    // A process that the plan saw running and that stands now was stopped by an earlier try of this very step.
    const isOurs = (process: ProcessRef & { state: string }) =>
      process.state !== 'T' || before.some(({ pid }) => pid === process.pid)
    const stopped = processes.filter(isOurs)
    await standStill(stopped, call.signal)
    return {
      detail: sentence('froze', stopped, spared),
      effect: { how: 'signal', processes: refs(stopped), spared },
    }
  },

  verify: (_call, effect) =>
    Promise.resolve(
      effect.how === 'cgroup'
        ? freezer.isThere(effect.cgroup) && freezer.isFrozen(effect.cgroup)
        : effect.processes.every(isStill),
    ),

  undo(_call, effect) {
    if (effect.how === 'signal') {
      const continued = effect.processes.filter((process) => signal(process, 'SIGCONT'))
      return Promise.resolve({ detail: sentence('thawed', continued, []), effect })
    }
    if (!freezer.isThere(effect.cgroup)) throw gone(`${effect.cgroup.directory} is gone`)
    freezer.setFrozen(effect.cgroup, false)
    return Promise.resolve({ detail: `thawed ${effect.cgroup.directory}`, effect })
  },
})

const isStill = (process: ProcessRef): boolean =>
  ['T', 't', undefined].includes(find(process)?.state)

/** A signal is only pending until its process runs next; what is not still in time, verify says. */
async function standStill(processes: readonly ProcessRef[], deadline: AbortSignal): Promise<void> {
  const until = performance.now() + freezer.AT_REST_WITHIN_MS
  for (let wait = 1; !processes.every(isStill); wait = Math.min(wait * 2, 50)) {
    if (deadline.aborted || performance.now() > until) return
    await pause(wait)
  }
}

/** The cgroup to freeze as a whole, if that is the scope and there is one of its own. */
function cgroupOf(call: Call): freezer.Freezable | undefined {
  const { place, process, guard, scope } = call
  const part = call.parameters.scope
  if (part !== 'container' && part !== 'pod') return undefined
  const stat = process === null ? undefined : find(refOf(process))
  const cgroup = freezer.freezableOf(place, stat?.pid ?? 0, scope, part)
  if (cgroup === undefined && part === 'pod') throw refused('no cgroup of a pod can be told here')
  if (cgroup === undefined && stat === undefined) throw gone('the process and its cgroup are gone')
  for (const pid of cgroup === undefined ? [] : pidsIn(cgroup.directory)) {
    const member = readStat(pid)
    if (member !== undefined) refuseProtected(guard, member)
  }
  return cgroup
}

function reachOf(call: Call, planned: readonly ProcessRef[]): Reach {
  const { process: target, guard } = call
  const { scope } = call.parameters
  // A container without a cgroup of its own is its process's tree.
  const reached = scope === 'container' || scope === 'pod' ? 'tree' : scope
  return { target, scope: reached, planned, guard }
}
