/** One part of a snapshot a function: from a process to the text of one file. Undefined when the process is gone. */
import { readdirSync, statSync } from 'node:fs'
import type { snapshotParts } from '../../../contract/node-actions.ts'
import { orMissing } from '../cgroups.ts'
import { readProc, readProcLink, readStat, running, type ProcessStat } from '../proc.ts'
import { environment } from './environment.ts'
import { sockets } from './sockets.ts'

type SnapshotPart = (typeof snapshotParts)[number]
/** `executable` is bytes and is taken apart (executable.ts). */
export type TextPart = Exclude<SnapshotPart, 'executable'>

interface Part {
  readonly file: string
  readonly take: (process: ProcessStat) => string | undefined
}

const json = (value: unknown): string => JSON.stringify(value, undefined, 2)

const taken = (value: unknown) => (value === undefined ? undefined : json(value))

export const textParts: Readonly<Record<TextPart, Part>> = {
  process_tree: { file: 'process-tree.json', take: (process) => json(processTree(process)) },
  open_files: { file: 'open-files.json', take: ({ pid }) => json(openFiles(pid)) },
  sockets: { file: 'sockets.json', take: ({ pid }) => json(sockets(pid)) },
  maps: { file: 'maps.txt', take: ({ pid }) => readProc(pid, 'maps') },
  cgroups: { file: 'cgroups.txt', take: ({ pid }) => readProc(pid, 'cgroup') },
  mounts: { file: 'mounts.txt', take: ({ pid }) => readProc(pid, 'mountinfo') },
  environment: { file: 'environment.json', take: ({ pid }) => taken(environment(pid)) },
}

/** The ancestors, the process, and everything below it. */
function processTree(process: ProcessStat) {
  const ancestors: ProcessStat[] = []
  let parent = readStat(process.parentPid)
  while (parent !== undefined && ancestors.length < 64) {
    ancestors.unshift(parent)
    parent = readStat(parent.parentPid)
  }
  const byParent = Map.groupBy(running(), ({ parentPid }) => parentPid)
  const below: ProcessStat[] = [process]
  for (const { pid } of below) if (below.length < 10_000) below.push(...(byParent.get(pid) ?? []))
  return [...ancestors, ...below].map(describe)
}

export function describe(stat: ProcessStat) {
  const { pid, parentPid, sessionId, name, state, startTicks } = stat
  return {
    pid,
    parentPid,
    sessionId,
    name,
    state,
    startTicks,
    exePath: readProcLink(pid, 'exe') ?? null,
    directory: readProcLink(pid, 'cwd') ?? null,
    root: readProcLink(pid, 'root') ?? null,
    arguments: (readProc(pid, 'cmdline') ?? '').split('\0').slice(0, -1),
    userIds:
      /^Uid:\s+(.*)$/m
        .exec(readProc(pid, 'status') ?? '')?.[1]
        ?.split('\t')
        .map(Number) ?? [],
  }
}

function openFiles(pid: number) {
  const names = orMissing(() => readdirSync(`/proc/${pid}/fd`)) ?? []
  return names.slice(0, 10_000).map((name) => {
    const stats = orMissing(() => statSync(`/proc/${pid}/fd/${name}`))
    return {
      fd: Number(name),
      path: readProcLink(pid, `fd/${name}`) ?? null,
      info: readProc(pid, `fdinfo/${name}`) ?? null,
      bytes: stats?.size ?? null,
      mode: stats?.mode.toString(8) ?? null,
    }
  })
}
