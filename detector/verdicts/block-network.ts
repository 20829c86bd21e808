import { basename } from 'node:path'
import { z } from 'zod'
import { nodeActionParameters } from '../../contract/node-actions.ts'
import { gone, nodeAction, refused, type NodeCall } from './action.ts'
import { directoryOfId, pidsIn } from './cgroups.ts'
import { membersNow, processRefSchema, refs, refuseProtected, sentence } from './members.ts'
import { readStat, type ProcessRef } from './proc.ts'
import { moveBack, moveTree, ownCgroupSchema } from './own-cgroup.ts'

const parameters = nodeActionParameters.block_network
type Call = NodeCall<z.infer<typeof parameters>>

const effectSchema = z.strictObject({
  /** Who was in there when it was cut. */
  processes: z.array(processRefSchema),
  spared: z.array(z.string()),
  cgroups: z.array(ownCgroupSchema),
  allow: z.array(z.string()),
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
    const effect = { processes: refs(processes), spared, cgroups: [], allow: call.parameters.allow }
    return Promise.resolve({ kind: 'change', detail: describe('cut off', effect), effect })
  },

  async run(call, planned) {
    const { allow } = call.parameters
    const { processes, spared, cgroup } = targetOf(call, planned?.processes)
    if (cgroup !== undefined) {
      await call.network.block(call.id, cgroup.id, allow)
      const effect = { processes: refs(processes), spared, cgroups: [cgroup], allow }
      return { detail: describe('cut off', effect), effect }
    }
    const reach = reachOf(call, planned?.processes ?? [])
    rootOf(call)
    const cgroups = await moveTree(call.scope, call.id, reach, ({ id }) =>
      call.network.block(call.id, id, allow),
    )
    // After the last one moved in, with whatever connections it holds.
    call.network.sweep()
    const effect = { processes: refs(processes), spared, cgroups, allow }
    return { detail: describe('cut off', effect), effect }
  },

  verify: (call, { cgroups }) =>
    Promise.resolve(cgroups.length > 0 && cgroups.every(({ id }) => call.network.isBlocked(id))),

  async undo(call, effect) {
    await call.network.release(call.id)
    const left = effect.cgroups.flatMap(moveBack)
    const note = left.length === 0 ? '' : `; ${left.join(', ')} could not be removed`
    return { detail: `${describe('reconnected', effect)}${note}`, effect }
  },
})

/** A whole cgroup, or the members of a tree that get one of their own. */
function targetOf(call: Call, planned: readonly ProcessRef[] = []) {
  const root = rootOf(call)
  if (call.parameters.scope === 'tree')
    return { ...membersNow(reachOf(call, planned)), cgroup: undefined }
  const { place } = call
  if (place === null) throw refused('the alert names no cgroup')
  const directory = directoryOfId(root, place.cgroupId)
  if (directory === undefined) throw gone(`cgroup ${place.cgroupId} does not exist any more`)
  if (directory === root) throw refused('the root cgroup is the whole machine; use scope tree')
  const processes = pidsIn(directory)
    .map(readStat)
    .filter((stat) => stat !== undefined)
  for (const process of processes) refuseProtected(call.guard, process)
  return { processes, spared: [], cgroup: { id: place.cgroupId, directory, from: null } }
}

const reachOf = ({ process, guard }: Call, planned: readonly ProcessRef[]) => ({
  target: process,
  scope: 'tree' as const,
  planned,
  guard,
})

function rootOf({ scope }: Call): string {
  if (scope.directory !== undefined) return scope.directory
  throw refused('this machine has no unified cgroup tree (cgroup v2), which a block needs')
}

function describe(verb: string, { processes, spared, allow, cgroups }: Effect): string {
  const where = cgroups.map(({ directory }) => basename(directory)).join(', ')
  const but = allow.length === 0 ? '' : `, but for ${allow.join(', ')}`
  return `${sentence(verb, processes, spared)}${where === '' ? '' : ` in ${where}`}${but}`
}
