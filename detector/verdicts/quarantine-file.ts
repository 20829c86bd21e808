import { closeSync } from 'node:fs'
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
import { isHome, isInPlace, putBack, takeAway, takenBefore } from './quarantine-store.ts'
import { openPlace, openRegular, type HeldPlace } from './safe-path.ts'
import { folderName, sha256OfFile } from './sha256.ts'
import { resolve } from './template.ts'

const parameters = nodeActionParameters.quarantine_file
type Call = NodeCall<z.infer<typeof parameters>>

const effectSchema = z.strictObject({
  path: z.string(),
  sha256: z.string(),
  bytes: z.int(),
  /** `device:inode`, so that what was planned is what is taken. */
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
    const effect = await look(call, place)
    return { kind: 'change', detail: `quarantine ${describe(effect)}`, effect }
  },

  async run(call, planned) {
    const before = effectSchema.safeParse(takenBefore(folderOf(call)))
    const path = before.data?.path ?? resolve(call.parameters.path, call)
    using place = placeOf(path, before.data?.mountNamespace ?? namespaceOf(call))
    const effect = before.data ?? (await look(call, place))
    if (planned !== null && (planned.file !== effect.file || planned.sha256 !== effect.sha256))
      throw gone(`${path} is not the file that was judged any more`)
    await takeAway(place, effect)
    return { detail: `quarantined ${describe(effect)}`, effect }
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

async function look(call: Call, place: HeldPlace): Promise<Effect> {
  const { fd, stats } = openRegular(place.at)
  try {
    const path = place.path
    const mountNamespace = namespaceOf(call)
    const reason =
      mountNamespace === hostMountNamespace()
        ? await protectedFile(path, stats, call.dataDir)
        : undefined
    if (reason !== undefined) throw refused(`${path} is never taken away: ${reason}`)
    return {
      path,
      sha256: await sha256OfFile(`/proc/self/fd/${fd}`),
      bytes: Number(stats.size),
      file: `${stats.dev}:${stats.ino}`,
      owner: `${stats.uid}:${stats.gid}`,
      mode: (stats.mode & 0o7777n).toString(8).padStart(4, '0'),
      modified: stats.mtime.toISOString(),
      otherNames: Number(stats.nlink) - 1,
      mountNamespace,
      folder: folderOf(call),
    }
  } finally {
    closeSync(fd)
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
