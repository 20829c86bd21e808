/**
 * The audit's past, packed: the oldest records leave their table as segments that still verify. A segment that must go
 * too leaves a record of where it ended, so that what begins later is known to begin there (I7, I8).
 */
import { promisify } from 'node:util'
import { gunzip, gzip } from 'node:zlib'
import type { Ledger } from './open.ts'
import type { AuditRow } from './tables.ts'

/** Records a segment; about 100 KB packed. */
const segmentRecords = 2000

export interface ArchiveBounds {
  /** Records that stay as they are, where they can be listed. */
  readonly auditRecords: number
  /** Of all segments together; beyond it the oldest are dropped. */
  readonly archiveBytes: number
}

/** Packs the oldest records when more than enough are there. False: there was nothing to do. */
export async function archiveAudit(ledger: Ledger, bounds: ArchiveBounds): Promise<boolean> {
  const head = await ledger.rows.selectFrom('audit_head').selectAll().executeTakeFirstOrThrow()
  const oldest = await ledger.rows
    .selectFrom('audit')
    .selectAll()
    .orderBy('seq')
    .limit(segmentRecords)
    .execute()
  const first = oldest.at(0)
  const last = oldest.at(-1)
  if (first === undefined || last === undefined || oldest.length < segmentRecords) return false
  if (head.seq - last.seq < bounds.auditRecords) return false
  const body = await pack(oldest)
  await ledger.write(async ({ rows, audit }) => {
    const segment = {
      from_seq: first.seq,
      to_seq: last.seq,
      previous: first.previous,
      hash: last.hash,
      bytes: body.length,
      body,
    }
    await rows.insertInto('audit_segments').values(segment).execute()
    await rows.deleteFrom('audit').where('seq', '<=', last.seq).execute()
    const { body: _, ...named } = segment
    await audit({ kind: 'audit_archived', subject: 'audit', body: named })
  })
  return true
}

/** The latest segment stays, whatever its size: the chain of the table begins at its end. */
export async function dropArchived(ledger: Ledger, bounds: ArchiveBounds): Promise<boolean> {
  const segments = await ledger.rows
    .selectFrom('audit_segments')
    .select(['from_seq', 'to_seq', 'hash', 'bytes'])
    .orderBy('from_seq')
    .execute()
  const [oldest] = segments
  const bytes = segments.reduce((sum, segment) => sum + segment.bytes, 0)
  if (oldest === undefined || segments.length < 2 || bytes <= bounds.archiveBytes) return false
  await ledger.write(async ({ rows, audit }) => {
    await rows.deleteFrom('audit_segments').where('from_seq', '=', oldest.from_seq).execute()
    await audit({ kind: droppedKind, subject: 'audit', body: { ...oldest } })
  })
  return true
}

export const droppedKind = 'audit_dropped'

/** Every record, oldest first, packed or not: a page at a time. */
export async function* auditPages({
  rows,
}: Pick<Ledger, 'rows'>): AsyncGenerator<readonly AuditRow[]> {
  let after = 0
  let hasLookedAgain = false
  for (;;) {
    const segment = await rows
      .selectFrom('audit_segments')
      .selectAll()
      .where('to_seq', '>', after)
      .orderBy('from_seq')
      .limit(1)
      .executeTakeFirst()
    const found =
      segment === undefined
        ? await rows
            .selectFrom('audit')
            .selectAll()
            .where('seq', '>', after)
            .orderBy('seq')
            .limit(segmentRecords)
            .execute()
        : await unpack(segment.body)
    const next = found[0]?.seq
    // They may have been packed between the two looks.
    if (segment === undefined && next !== undefined && next > after + 1 && !hasLookedAgain) {
      hasLookedAgain = true
      continue
    }
    hasLookedAgain = false
    const fresh = found.filter(({ seq }) => seq > after)
    if (fresh.length > 0) yield fresh
    const last = segment?.to_seq ?? found.at(-1)?.seq
    if (last === undefined) return
    after = last
  }
}

async function pack(records: readonly AuditRow[]): Promise<string> {
  const lines = records.map((row) => JSON.stringify(row)).join('\n')
  return (await promisify(gzip)(lines)).toString('base64')
}

/** What cannot be unpacked holds no records: those that it should hold are then missing. */
async function unpack(body: string): Promise<readonly AuditRow[]> {
  try {
    const lines = (await promisify(gunzip)(Buffer.from(body, 'base64'))).toString()
    return lines.split('\n').map((line): AuditRow => JSON.parse(line))
  } catch {
    return []
  }
}
