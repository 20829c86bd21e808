import { basename } from 'node:path'
import { z } from 'zod'
import { nodeActionParameters, openPortSchema, type OpenPort } from '../../contract/node-actions.ts'
import { nodeAction, refused, type NodeCall } from './action.ts'
import { pidsIn } from './cgroups.ts'
import { membersNow, processRefSchema, refs, refuseProtected, sentence } from './members.ts'
import { readStat, type ProcessRef } from './proc.ts'
import { cgroupOfPlace, noTree } from './place-cgroup.ts'
import { moveBack, moveTree, ownCgroupSchema } from './own-cgroup.ts'

const parameters = nodeActionParameters.block_network
type Call = NodeCall<z.infer<typeof parameters>>

const effectSchema = z.strictObject({
  /** The step whose block it is: its undo is a step of its own. Null before it was run. */
  step: z.string().nullable().default(null),
  /** Who was in there when it was cut. */
  processes: z.array(processRefSchema),
  spared: z.array(z.string()),
  cgroups: z.array(ownCgroupSchema),
  allow: z.array(z.string()),
  allowPorts: z.array(openPortSchema).default([]),
})
type Effect = z.infer<typeof effectSchema>

export const blockNetwork = nodeAction({
  name: 'block_network',
  parameters,
  effect: effectSchema,
  isEffectful: true,
  isRepeatable: true,

  plan(call) {
    const { processes, spared, cgroup } = targetOf(call)
    if (cgroup !== undefined && call.network.isBlocked(cgroup.id))
      return Promise.resolve({ kind: 'already_done', detail: `${cgroup.directory} is cut off` })
    const cgroups = cgroup === undefined ? [] : [cgroup]
    const effect = { step: null, processes: refs(processes), spared, cgroups, ...holesOf(call) }
    return Promise.resolve({ kind: 'change', detail: describe('cut off', effect), effect })
  },

  async run(call, planned) {
    const holes = holesOf(call)
    const step = call.id
    const { processes, spared, cgroup } = targetOf(call, planned?.processes)
    if (cgroup !== undefined) {
      await call.network.block(call.id, cgroup.id, holes)
      const effect = { step, processes: refs(processes), spared, cgroups: [cgroup], ...holes }
      return { detail: describe('cut off', effect), effect }
    }
    const reach = reachOf(call, planned?.processes ?? [])
    const cgroups = await moveTree(call.scope, call.id, reach, ({ id }) =>
      call.network.block(call.id, id, holes),
    )
    // After the last one moved in, with whatever connections it holds.
    call.network.sweep()
    const effect = { step, processes: refs(processes), spared, cgroups, ...holes }
    return { detail: describe('cut off', effect), effect }
  },

  verify({ network }, { cgroups }) {
    const found = cgroups.map(({ id }) => network.refusedBy(id))
    const blocked = found.filter((one) => one !== undefined)
    if (blocked.length === 0 || blocked.length < found.length) return Promise.resolve(false)
    const packets = blocked.reduce((sum, one) => sum + one.packets, 0)
    const calls = blocked.reduce((sum, one) => sum + one.calls, 0)
    const detail = `in force; ${packets} packets dropped and ${calls} calls refused so far`
    return Promise.resolve({ detail, seen: { packets, calls } })
  },

  async undo(call, effect) {
    await call.network.release(effect.step ?? call.id)
    const left = effect.cgroups.flatMap(moveBack)
    const note = left.length === 0 ? '' : `; ${left.join(', ')} could not be removed`
    return { detail: `${describe('reconnected', effect)}${note}`, effect }
  },
})

const holesOf = ({ parameters: { allow, allowPorts } }: Call) => ({ allow, allowPorts })

/** A whole cgroup, or the members of a tree that get one of their own. */
function targetOf(call: Call, planned: readonly ProcessRef[] = []) {
  const part = call.parameters.scope
  if (part === 'tree') {
    if (call.scope.directory === undefined) throw refused(noTree)
    return { ...membersNow(reachOf(call, planned)), cgroup: undefined }
  }
  const { id, directory } = cgroupOfPlace(call.place, call.scope, part)
  const processes = pidsIn(directory)
    .map(readStat)
    .filter((stat) => stat !== undefined)
  for (const process of processes) refuseProtected(call.guard, process)
  return { processes, spared: [], cgroup: { id, directory, from: null } }
}

const reachOf = ({ process, guard }: Call, planned: readonly ProcessRef[]) => ({
  target: process,
  scope: 'tree' as const,
  planned,
  guard,
})

function describe(verb: string, effect: Effect): string {
  const { processes, spared, allow, allowPorts, cgroups } = effect
  const where = cgroups.map(({ directory }) => basename(directory)).join(', ')
  const open = [...allow, ...allowPorts.map(portText)]
  const but = open.length === 0 ? '' : `, but for ${open.join(', ')}`
  return `${sentence(verb, processes, spared)}${where === '' ? '' : ` in ${where}`}${but}`
}

const portText = ({ port, protocol, to }: OpenPort): string =>
  `port ${port}${protocol === 'any' ? '' : `/${protocol}`}${to.length === 0 ? '' : ` of ${to.join(', ')}`}`
