import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { nodeActionParameters } from '../../contract/node-actions.ts'
import { gone, nodeAction, refused, type NodeCall } from './action.ts'
import { readJson } from './durable-file.ts'
import { errorCode, find, label, readProcLink, refOf, type ProcessStat } from './proc.ts'
import { folderName, sha256OfFile } from './sha256.ts'
import { handOverFolder } from './hand-over.ts'
import { bytesUnder, EvidenceFolder } from './snapshot/folder.ts'
import { textParts } from './snapshot/parts.ts'

const parameters = nodeActionParameters.capture_snapshot
type Call = NodeCall<z.infer<typeof parameters>>

/** Evidence is never thrown away by itself: beyond this much of it the next is refused, and people are told. */
const MAX_EVIDENCE_BYTES = 4 * 2 ** 30

const effectSchema = z.strictObject({
  folder: z.string(),
  /** Of manifest.json, which holds that of each file. */
  manifestSha256: z.string(),
  executableSha256: z.string().nullable(),
  bytes: z.int(),
  /** Parts that could not be had: the process ended meanwhile, or we lack the right to read them. */
  missing: z.array(z.string()),
})

export const captureSnapshot = nodeAction({
  name: 'capture_snapshot',
  parameters,
  effect: effectSchema,
  isEffectful: false,
  isRepeatable: true,

  plan(call) {
    const process = targetOf(call)
    const effect = {
      folder: folderOf(call),
      manifestSha256: '',
      executableSha256: null,
      bytes: 0,
      missing: [],
    }
    const detail = `capture ${call.parameters.include.join(', ')} of ${label(process)}`
    return Promise.resolve({ kind: 'change', detail, effect })
  },

  async run(call) {
    const process = targetOf(call)
    mkdirSync(join(call.dataDir, 'evidence'), { recursive: true, mode: 0o700 })
    if (bytesUnder(join(call.dataDir, 'evidence')) > MAX_EVIDENCE_BYTES)
      throw refused(`${join(call.dataDir, 'evidence')} holds more than 4 GiB; move some of it away`)
    const folder = new EvidenceFolder(folderOf(call), call.parameters.maxBytes)
    const missing = await takeTexts(call, process, folder)
    const executableSha256 = call.parameters.include.includes('executable')
      ? await takeExecutable(process, folder, missing)
      : null
    const manifest = await folder.close({
      step: call.id,
      process: call.process,
      place: call.place,
      capturedAt: new Date().toISOString(),
      executableSha256,
      missing,
    })
    const bytes = folder.files.reduce((sum, file) => sum + file.bytes, 0)
    const without = missing.length === 0 ? '' : `, without ${missing.join(', ')}`
    const where = await handOverFolder(call, folder, manifest)
    return {
      detail: `captured ${label(process)} in ${where} (${bytes} bytes)${without}`,
      effect: {
        folder: folder.path,
        manifestSha256: manifest.sha256,
        executableSha256,
        bytes,
        missing,
      },
    }
  },

  verify: (_call, { folder }) =>
    Promise.resolve(readJson(join(folder, 'manifest.json')) !== undefined),
})

const folderOf = (call: Call): string => join(call.dataDir, 'evidence', folderName(call.id))

function targetOf({ process }: Call): ProcessStat {
  if (process === null) throw refused('the alert names no process')
  const stat = find(refOf(process))
  if (stat === undefined) throw gone(`${label(refOf(process))} does not run any more`)
  return stat
}

/** Answers the parts that were not to be had. What was read of a pid that is now another's is not kept. */
async function takeTexts(
  call: Call,
  process: ProcessStat,
  folder: EvidenceFolder,
): Promise<string[]> {
  const missing: string[] = []
  for (const part of call.parameters.include) {
    if (part === 'executable') continue
    const { file, take } = textParts[part]
    const text = orUnreadable(() => take(process))
    if (text === undefined || find(process) === undefined) missing.push(part)
    else await folder.addText(file, text)
  }
  return missing
}

/** Without DAC_READ_SEARCH the environment and the descriptors of other users' processes are closed to us. */
function orUnreadable(read: () => string | undefined): string | undefined {
  try {
    return read()
  } catch (error) {
    if (errorCode(error) === 'EACCES') return undefined
    throw error
  }
}

/** The hash always; the bytes too when no path leads to them any more (deleted, memfd). */
async function takeExecutable(
  process: ProcessStat,
  folder: EvidenceFolder,
  missing: string[],
): Promise<string | null> {
  const path = readProcLink(process.pid, 'exe')
  if (path === undefined || find(process) === undefined) {
    missing.push('executable')
    return null
  }
  const link = `/proc/${process.pid}/exe`
  const sha256 = await sha256OfFile(link)
  if (path.endsWith(' (deleted)')) await folder.addCopy('executable', link)
  return sha256
}
