import { statSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { nodeActionParameters } from '../../contract/node-actions.ts'
import { gone, nodeAction, type NodeCall } from './action.ts'
import { pidsIn } from './cgroups.ts'
import { handOverFolder } from './snapshot/hand-over-folder.ts'
import { cgroupOfPlace, type PlaceCgroup } from './place-cgroup.ts'
import {
  errorCode,
  find,
  isDead,
  orUnreadable,
  readProcLink,
  readStat,
  type ProcessStat,
} from './proc.ts'
import { sha256OfFile } from './sha256.ts'
import { changedFiles } from './snapshot/changed-files.ts'
import { evidenceFolderOf, isClosed, openEvidence } from './snapshot/evidence.ts'
import type { EvidenceFolder } from './snapshot/folder.ts'
import { capturePackets, type PacketCounts } from './snapshot/packets.ts'
import { describe, textParts } from './snapshot/parts.ts'

const parameters = nodeActionParameters.capture_pod
type Call = NodeCall<z.infer<typeof parameters>>

const MAX_PROCESSES = 4096
const MAX_CHANGED = 20_000
/** Files and executables are hashed up to so many bytes in all. */
const MAX_HASHED_BYTES = 512 << 20

const effectSchema = z.strictObject({
  folder: z.string(),
  manifestSha256: z.string(),
  processes: z.int(),
  bytes: z.int(),
  packets: z
    .strictObject({ seen: z.int(), captured: z.int(), lost: z.int(), beyond: z.int() })
    .nullable(),
  /** What could not be had, and why. */
  missing: z.array(z.string()),
})

export const capturePod = nodeAction({
  name: 'capture_pod',
  parameters,
  effect: effectSchema,
  isEffectful: false,
  isRepeatable: true,

  plan(call) {
    const { directory } = podOf(call)
    const processes = processesIn(directory).length
    const effect = {
      folder: evidenceFolderOf(call),
      manifestSha256: '',
      processes,
      bytes: 0,
      packets: null,
      missing: [],
    }
    const detail = `capture ${call.parameters.include.join(', ')} of the ${processes} processes in ${directory}`
    return Promise.resolve({ kind: 'change', detail, effect })
  },

  async run(call) {
    const { directory } = podOf(call)
    const folder = openEvidence(call, call.parameters.maxBytes)
    const missing: string[] = []
    const listening = listen(call, directory, folder, missing)
    const processes = processesIn(directory)
    try {
      await takeParts(call, processes, folder, missing)
    } catch (error) {
      await listening
      throw error
    }
    const packets = await listening
    const manifest = await folder.close({
      step: call.id,
      place: call.place,
      cgroup: directory,
      capturedAt: new Date().toISOString(),
      packets,
      missing,
    })
    const { bytes } = folder
    const where = await handOverFolder(call, folder, manifest)
    return {
      detail: `captured ${processes.length} processes${said(packets)} in ${where} (${bytes} bytes)${without(missing)}`,
      effect: {
        folder: folder.path,
        manifestSha256: manifest.sha256,
        processes: processes.length,
        bytes,
        packets,
        missing: missing.slice(0, 100),
      },
    }
  },

  verify: isClosed,
})

const podOf = ({ place, scope }: Call): PlaceCgroup => cgroupOfPlace(place, scope, 'pod')

const said = (packets: PacketCounts | null): string =>
  packets === null ? '' : ` and ${packets.captured} packets (${packets.lost} lost)`

const without = (missing: readonly string[]): string =>
  missing.length === 0 ? '' : `, without ${missing.length} parts that the manifest names`

function processesIn(directory: string): ProcessStat[] {
  const found = pidsIn(directory)
    .slice(0, MAX_PROCESSES)
    .map(readStat)
    .filter((stat) => stat !== undefined)
    .filter((stat) => !isDead(stat))
  if (found.length === 0) throw gone(`nothing runs in ${directory} any more`)
  return found
}

/** From the beginning on, while everything else is taken. Never rejects. */
async function listen(
  { parameters: { include, packets }, signal }: Call,
  directory: string,
  folder: EvidenceFolder,
  missing: string[],
): Promise<PacketCounts | null> {
  if (!include.includes('packets')) return null
  const path = join(folder.path, 'packets.pcap')
  try {
    const counts = await capturePackets(directory, path, packets, signal)
    await folder.adopt('packets.pcap')
    return counts
  } catch (error) {
    missing.push(`packets: ${error instanceof Error ? error.message : errorCode(error)}`)
    return null
  }
}

async function takeParts(
  { parameters: { include } }: Call,
  processes: readonly ProcessStat[],
  folder: EvidenceFolder,
  missing: string[],
): Promise<void> {
  const add = (file: string, value: unknown) =>
    folder.addText(file, JSON.stringify(value, undefined, 2))
  const each = (part: 'open_files' | 'sockets' | 'environment') =>
    processes.flatMap((process) => {
      const text = orUnreadable(() => textParts[part].take(process))
      if (text === undefined || find(process) === undefined) {
        missing.push(`${part} of ${process.name} (${process.pid})`)
        return []
      }
      return [{ pid: process.pid, name: process.name, [part]: JSON.parse(text) as unknown }]
    })
  if (include.includes('process_tree'))
    await add('process-tree.json', await withExecutables(processes, missing))
  if (include.includes('open_files')) await add('open-files.json', each('open_files'))
  if (include.includes('sockets')) await add('sockets.json', each('sockets'))
  if (include.includes('environment')) await add('environment.json', each('environment'))
  const heads = byMounts(processes)
  if (include.includes('mounts'))
    await add(
      'mounts.json',
      heads.map((head) => ({
        pid: head.pid,
        name: head.name,
        mounts: textParts.mounts.take(head)?.split('\n') ?? null,
      })),
    )
  if (!include.includes('files')) return
  const budget = { entries: MAX_CHANGED, hashBytes: MAX_HASHED_BYTES }
  const members = new Set(processes.map(({ pid }) => pid))
  const changed = heads.map(({ pid, name }) => ({
    pid,
    name,
    ...changedFiles(pid, members, budget),
  }))
  for (const { name, missing: left } of changed)
    missing.push(...left.map((what) => `files of ${name}: ${what}`))
  await add('files.json', changed)
}

/** One process of each mount namespace: of each container. */
function byMounts(processes: readonly ProcessStat[]): ProcessStat[] {
  const first = new Map<string, ProcessStat>()
  for (const process of processes) {
    const namespace = readProcLink(process.pid, 'ns/mnt')
    if (namespace !== undefined && !first.has(namespace)) first.set(namespace, process)
  }
  return [...first.values()]
}

/** Each executable is hashed once, however many run it. */
async function withExecutables(processes: readonly ProcessStat[], missing: string[]) {
  const hashes = new Map<string, string>()
  let left = MAX_HASHED_BYTES
  const found = []
  for (const process of processes) {
    const link = `/proc/${process.pid}/exe`
    let executableSha256: string | null = null
    try {
      const { dev, ino, size, mtimeMs } = statSync(link)
      const key = `${dev}/${ino}/${mtimeMs}`
      if (!hashes.has(key) && size <= left) {
        left -= size
        // oxlint-disable-next-line no-await-in-loop -- one after the other: the node has work to do
        hashes.set(key, await sha256OfFile(link))
      }
      executableSha256 = hashes.get(key) ?? null
    } catch (error) {
      missing.push(`executable of ${process.name} (${process.pid}): ${errorCode(error)}`)
    }
    found.push({ ...describe(process), executableSha256 })
  }
  return found
}
