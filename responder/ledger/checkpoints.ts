/** Where the audit stood, written to a second file, so that a chain cut off or rewritten together with its head shows. */
import { existsSync } from 'node:fs'
import { open, readFile, rename } from 'node:fs/promises'
import { z } from 'zod'
import type { Ledger } from './open.ts'

const checkpointSchema = z.strictObject({
  seq: z.int(),
  hash: z.string(),
  atMs: z.int(),
})
export type Checkpoint = z.infer<typeof checkpointSchema>

/** About 120 bytes each; beyond this many the oldest half is dropped. */
const most = 20_000

/** A line that was torn by a power cut is the last one, and says nothing. */
export async function readCheckpoints(file: string): Promise<readonly Checkpoint[]> {
  const text = existsSync(file) ? await readFile(file, 'utf8') : ''
  const lines = text.split('\n')
  return lines.flatMap((line, index) => {
    if (line === '' || (index === lines.length - 1 && !isJson(line))) return []
    return [checkpointSchema.parse(JSON.parse(line))]
  })
}

function isJson(line: string): boolean {
  try {
    JSON.parse(line)
    return true
  } catch {
    return false
  }
}

/** Appends where the chain ends now, unless it has not grown. Durable when it returns. */
export async function writeCheckpoint(
  ledger: Ledger,
  file: string,
  last: Checkpoint | undefined,
): Promise<Checkpoint | undefined> {
  const head = await ledger.rows.selectFrom('audit_head').selectAll().executeTakeFirstOrThrow()
  if (head.seq === (last?.seq ?? 0)) return last
  const checkpoint = { seq: head.seq, hash: head.hash, atMs: ledger.clock.nowMs() }
  await append(file, `${JSON.stringify(checkpoint)}\n`)
  return checkpoint
}

async function append(file: string, text: string): Promise<void> {
  await using handle = await open(file, 'a', 0o600)
  await handle.appendFile(text)
  await handle.datasync()
}

/** At start: heals a torn last line and keeps the file bounded. Returns the latest. */
export async function openCheckpoints(file: string): Promise<Checkpoint | undefined> {
  const all = await readCheckpoints(file)
  const kept = all.length > most ? all.slice(-most / 2) : all
  {
    await using handle = await open(`${file}.new`, 'w', 0o600)
    await handle.appendFile(kept.map((checkpoint) => `${JSON.stringify(checkpoint)}\n`).join(''))
    await handle.datasync()
  }
  await rename(`${file}.new`, file)
  return kept.at(-1)
}
