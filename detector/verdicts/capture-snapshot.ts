import { z } from 'zod'
import { nodeActionParameters } from '../../contract/node-actions.ts'
import { gone, nodeAction, refused, type NodeCall } from './action.ts'
import { find, label, orUnreadable, readProcLink, refOf, type ProcessStat } from './proc.ts'
import { sha256OfFile } from './sha256.ts'
import { handOverFolder } from './snapshot/hand-over-folder.ts'
import { evidenceFolderOf, isClosed, openEvidence } from './snapshot/evidence.ts'
import type { EvidenceFolder } from './snapshot/folder.ts'
import { textParts } from './snapshot/parts.ts'

const parameters = nodeActionParameters.capture_snapshot
type Call = NodeCall<z.infer<typeof parameters>>

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
      folder: evidenceFolderOf(call),
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
    const folder = openEvidence(call, call.parameters.maxBytes)
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
    const { bytes } = folder
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

  verify: isClosed,
})

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
