/** Reading the audit, and proving it (I7): every record follows from the one before, up to head and checkpoints. */
import { z } from 'zod'
import { auditPages, droppedKind } from './archive.ts'
import type { Checkpoint } from './checkpoints.ts'
import { genesis, hashOf } from './chain.ts'
import type { Ledger } from './open.ts'
import type { AuditRow } from './tables.ts'

export interface AuditRecord {
  readonly seq: number
  readonly atMs: number
  readonly kind: string
  readonly subject: string
  readonly body: Readonly<Record<string, unknown>>
  readonly hash: string
}

/** missing: deleted, moved or cut off · edited: its own hash does not fit · unchained: it does not follow its
 * predecessor · rewritten: the head, or a checkpoint written earlier, says otherwise. */
export interface Broken {
  readonly isIntact: false
  /** The first record that is not as it was written. */
  readonly seq: number
  readonly fault: 'missing' | 'edited' | 'unchained' | 'rewritten'
  readonly detail: string
}

export interface Intact {
  readonly isIntact: true
  /** Number of the last record. */
  readonly records: number
  /** 1, unless what was before has been dropped for its size: then the chain says so itself. */
  readonly beginsAt: number
  readonly head: string
  readonly checkpoints: number
}

interface Point {
  readonly seq: number
  readonly hash: string
}

interface Reading {
  readonly last: Point
  /** The first record that is there. */
  readonly begins: { readonly seq: number; readonly previous: string } | null
  /** Where what was dropped ended, by the chain's own word. */
  readonly dropped: Point
}

export async function verifyAudit(
  ledger: Pick<Ledger, 'rows'>,
  checkpoints: readonly Checkpoint[],
): Promise<Intact | Broken> {
  // What grows meanwhile is no fault: what is told now is to be found, and what is found is to be told when all is read.
  const before = await headOf(ledger)
  const told = before === undefined ? checkpoints : [before, ...checkpoints]
  const expected = new Map(told.map(({ seq, hash }) => [seq, hash]))
  const start = { seq: 0, hash: genesis }
  let reading: Reading = { last: start, begins: null, dropped: start }
  for await (const rows of auditPages(ledger))
    for (const row of rows) {
      // What it follows may have been dropped: whether it was is known once the chain has been read.
      const last =
        reading.begins === null && row.seq > 1
          ? { seq: row.seq - 1, hash: row.previous }
          : reading.last
      const fault = faultOf(row, last, expected.get(row.seq))
      if (fault !== null) return fault
      reading = {
        last: row,
        begins: reading.begins ?? { seq: row.seq, previous: row.previous },
        dropped: row.kind === droppedKind ? droppedBy(row) : reading.dropped,
      }
    }
  const seen = told.reduce((latest, { seq }) => Math.max(latest, seq), 0)
  return (
    beginOf(reading) ??
    endOf(reading.last, seen, await headOf(ledger)) ?? {
      isIntact: true,
      records: reading.last.seq,
      beginsAt: reading.begins?.seq ?? 1,
      head: reading.last.hash,
      checkpoints: checkpoints.length,
    }
  )
}

const headOf = ({ rows }: Pick<Ledger, 'rows'>): Promise<Point | undefined> =>
  rows.selectFrom('audit_head').selectAll().executeTakeFirst()

const droppedSchema = z.object({ to_seq: z.int(), hash: z.string() })

function droppedBy({ body }: AuditRow): Reading['dropped'] {
  const { to_seq: seq, hash } = droppedSchema.parse(JSON.parse(body))
  return { seq, hash }
}

/** Null when the first record that is there is the first of all, or the one after what was dropped. */
function beginOf({ begins, dropped }: Reading): Broken | null {
  if (begins === null || (begins.seq === dropped.seq + 1 && begins.previous === dropped.hash))
    return null
  const first = dropped.seq + 1
  return broken(first, 'missing', `record ${first} is missing; ${begins.seq} comes next`)
}

function faultOf(row: AuditRow, last: Point, checkpoint: string | undefined): Broken | null {
  const { seq } = row
  if (seq !== last.seq + 1)
    return broken(last.seq + 1, 'missing', `record ${last.seq + 1} is missing; ${seq} comes next`)
  if (row.previous !== last.hash)
    return broken(seq, 'unchained', `record ${seq} does not follow record ${last.seq}`)
  if (hashOf(row) !== row.hash)
    return broken(seq, 'edited', `record ${seq} (${row.kind} ${row.subject}) was edited`)
  if (checkpoint !== undefined && checkpoint !== row.hash)
    return broken(
      seq,
      'rewritten',
      `record ${seq} is not the one that the head or its checkpoint saw`,
    )
  return null
}

/** `seen`: the latest record that head or checkpoints told of before the chain was read; `head`: after it. */
function endOf(last: Point, seen: number, head: Point | undefined): Broken | null {
  if (seen > last.seq)
    return broken(
      last.seq + 1,
      'missing',
      `the audit ends at record ${last.seq}, but ${seen} had been written`,
    )
  const isGrown = head !== undefined && head.seq > last.seq
  if (!isGrown && (head?.seq !== last.seq || head.hash !== last.hash))
    return broken(last.seq, 'rewritten', `the head of the audit does not fit record ${last.seq}`)
  return null
}

const broken = (seq: number, fault: Broken['fault'], detail: string): Broken => ({
  isIntact: false,
  seq,
  fault,
  detail,
})

/** Newest first. */
export async function listAudit(
  { rows }: Pick<Ledger, 'rows'>,
  filter: { readonly subject?: string; readonly limit: number },
): Promise<readonly AuditRecord[]> {
  let query = rows.selectFrom('audit').selectAll().orderBy('seq', 'desc').limit(filter.limit)
  if (filter.subject !== undefined) query = query.where('subject', '=', filter.subject)
  return (await query.execute()).map((row) => ({
    seq: row.seq,
    atMs: row.at_ms,
    kind: row.kind,
    subject: row.subject,
    body: JSON.parse(row.body),
    hash: row.hash,
  }))
}
