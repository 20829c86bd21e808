/** What a step captures, in a folder of its own below the data directory until it is handed over. */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { refused } from '../action.ts'
import { readJson } from '../durable-file.ts'
import { folderName } from '../sha256.ts'
import { bytesUnder, EvidenceFolder } from './folder.ts'

/** Evidence is never thrown away by itself: beyond this much of it the next is refused, and people are told. */
const MAX_EVIDENCE_BYTES = 4 * 2 ** 30

interface Capture {
  readonly id: string
  readonly dataDir: string
}

export const evidenceFolderOf = ({ id, dataDir }: Capture): string =>
  join(dataDir, 'evidence', folderName(id))

export function openEvidence(capture: Capture, maxBytes: number): EvidenceFolder {
  const all = join(capture.dataDir, 'evidence')
  mkdirSync(all, { recursive: true, mode: 0o700 })
  if (bytesUnder(all) > MAX_EVIDENCE_BYTES)
    throw refused(`${all} holds more than 4 GiB; move some of it away`)
  return new EvidenceFolder(evidenceFolderOf(capture), maxBytes)
}

/** Whether the folder of this effect was finished. */
export const isClosed = (_capture: Capture, { folder }: { folder: string }): Promise<boolean> =>
  Promise.resolve(readJson(join(folder, 'manifest.json')) !== undefined)
