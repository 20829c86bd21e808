/** A capture leaves the node: each file to the responder's store, then its copy here is no longer needed. */
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { failed } from '../action.ts'
import type { HandOver } from '../hand-over.ts'
import type { EvidenceFile, EvidenceFolder } from './folder.ts'

/** Answers where it is for people. The folder's manifest stays here, so that the node can show what it took. */
export async function handOverFolder(
  {
    id,
    handOver,
    signal,
  }: { readonly id: string; readonly handOver: HandOver; readonly signal: AbortSignal },
  { path, files }: EvidenceFolder,
  manifest: EvidenceFile,
): Promise<string> {
  for (const { file, bytes, sha256 } of [...files, manifest]) {
    // The responder's own manifest has that name.
    const name = file === manifest.file ? `node-${file}` : file
    try {
      const handed = { step: id, name, path: join(path, file), bytes, sha256 }
      // oxlint-disable-next-line no-await-in-loop -- one after the other: the responder keeps them in one manifest
      if ((await handOver(handed, signal)) === 'no_store') return path
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error)
      const isRetryable = !(isObject(error) && error['retryable'] === false)
      throw failed(
        `${path} holds the capture, but ${file} was not taken: ${why}`,
        error,
        isRetryable,
      )
    }
  }
  for (const { file } of files) rmSync(join(path, file), { force: true })
  return 'the responder'
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null
