import { join } from 'node:path'
import { z } from 'zod'
import { nodeActionParameters } from '../../contract/node-actions.ts'
import { failed, gone, nodeAction, refused, type NodeCall } from './action.ts'
import {
  errorCode,
  find,
  hostMountNamespace,
  hostRoot,
  label,
  readProcLink,
  refOf,
  running,
} from './proc.ts'
import { protectedFile } from './protected-files.ts'
import {
  identityOf,
  isHome,
  isInPlace,
  putBack,
  takeAway,
  takenBefore,
} from './quarantine-store.ts'
import { openPlace, openRegular, type HeldFile, type HeldPlace } from './safe-path.ts'
import { folderName, sha256OfFile } from './sha256.ts'
import { resolve } from './template.ts'

const parameters = nodeActionParameters.quarantine_file
type Call = NodeCall<z.infer<typeof parameters>>

const effectSchema = z.strictObject({
  path: z.string(),
  sha256: z.string(),
  bytes: z.int(),
  /** identityOf(), so that what was planned is what is taken. */
  file: z.string(),
  /** `uid:gid` */
  owner: z.string(),
  mode: z.string(),
  modified: z.string(),
  /** Hard links: the file is still reachable under these many others. */
  otherNames: z.int(),
  /** In which the path is, and to which undo puts it back. */
  mountNamespace: z.string(),
  folder: z.string(),
})
type Effect = z.infer<typeof effectSchema>

export const quarantineFile = nodeAction({
  name: 'quarantine_file',
  parameters,
  effect: effectSchema,
  isEffectful: true,
  isRepeatable: true,

  async plan(call) {
    using place = placeOf(resolve(call.parameters.path, call), namespaceOf(call))
    using file = openRegular(place.at)
    const effect = await look(call, place, file)
    return { kind: 'change', detail: `quarantine ${describe(effect)}`, effect }
  },

  async run(call, planned) {
    const before = effectSchema.safeParse(takenBefore(folderOf(call))).data
    if (before !== undefined) {
      using place = placeOf(before.path, before.mountNamespace)
      return await take(place, before, planned)
    }
    using place = placeOf(resolve(call.parameters.path, call), namespaceOf(call))
    using file = openRegular(place.at)
    return await take(place, await look(call, place, file), planned)
  },

  verify(_call, effect) {
    using place = placeOf(effect.path, effect.mountNamespace)
    return Promise.resolve(isHome(effect) && !isInPlace(place, effect))
  },

  async undo(_call, effect) {
    using place = placeOf(effect.path, effect.mountNamespace)
    await putBack(place, effect)
    return { detail: `put ${effect.path} back`, effect }
  },
})

async function take(place: HeldPlace, effect: Effect, planned: Effect | null) {
  if (planned !== null && (planned.file !== effect.file || planned.sha256 !== effect.sha256))
    throw gone(`${effect.path} is not the file that was judged any more`)
  await takeAway(place, effect)
  return { detail: `quarantined ${describe(effect)}`, effect }
}

async function look(call: Call, { path }: HeldPlace, { at, stats }: HeldFile): Promise<Effect> {
  const mountNamespace = namespaceOf(call)
  const isHost = mountNamespace === hostMountNamespace()
  const reason = isHost ? await protectedFile(path, stats, call.dataDir) : undefined
  if (reason !== undefined) throw refused(`${path} is never taken away: ${reason}`)
  return {
    path,
    sha256: await sha256OfFile(at),
    bytes: Number(stats.size),
    file: identityOf(stats),
    owner: `${stats.uid}:${stats.gid}`,
    mode: (stats.mode & 0o7777n).toString(8).padStart(4, '0'),
    modified: stats.mtime.toISOString(),
    otherNames: Number(stats.nlink) - 1,
    mountNamespace,
    folder: folderOf(call),
  }
}

const folderOf = (call: Call): string => join(call.dataDir, 'quarantine', folderName(call.id))

/** The alert's process says in which mount namespace the path is; a host process may be gone, its namespace is pid 1's. */
function namespaceOf({ process, place }: Call): string {
  const stat = process === null ? undefined : find(refOf(process))
  const namespace = stat === undefined ? undefined : readProcLink(stat.pid, 'ns/mnt')
  if (stat !== undefined && namespace !== undefined && find(stat) !== undefined) return namespace
  if (process === null || place?.containerId === 'host') return hostMountNamespace()
  throw gone(`${label(refOf(process))} is gone, and with it the way to its files`)
}

function placeOf(path: string, mountNamespace: string): HeldPlace {
  try {
    return openPlace(rootOf(path, mountNamespace), path)
  } catch (error) {
    if (errorCode(error) === 'ENOENT')
      throw gone(`the directory of ${path} does not exist any more`)
    throw error
  }
}

function rootOf(path: string, mountNamespace: string): string {
  if (mountNamespace === hostMountNamespace()) return hostRoot()
  const inhabitant = running().find(({ pid }) => readProcLink(pid, 'ns/mnt') === mountNamespace)
  if (inhabitant === undefined) throw failed(`no process lives where ${path} is any more`)
  return `/proc/${inhabitant.pid}/root`
}

function describe({ path, bytes, sha256, otherNames }: Effect): string {
  const others = otherNames === 0 ? '' : `, which keeps ${otherNames} other names`
  return `${path} (${bytes} bytes, sha256 ${sha256.slice(0, 16)}…)${others}`
}
