/** The hash chain of the audit: each record holds the hash of the one before. */
import { createHash } from 'node:crypto'
import { canonical } from './canonical.ts'
import type { AuditRow } from './tables.ts'

export const genesis = '0'.repeat(64)

export interface AuditEntry {
  readonly kind: string
  readonly subject: string
  readonly body: Readonly<Record<string, unknown>>
}

/** Every column is under the hash, and each is framed by JSON, so that no byte can move between two of them. */
export function hashOf(row: Omit<AuditRow, 'hash'>): string {
  const { seq, at_ms, kind, subject, body, previous } = row
  return createHash('sha256')
    .update(JSON.stringify([previous, seq, at_ms, kind, subject, body]))
    .digest('hex')
}

export function chain(
  head: { readonly seq: number; readonly hash: string },
  atMs: number,
  entry: AuditEntry,
): AuditRow {
  const row = {
    seq: head.seq + 1,
    at_ms: atMs,
    kind: entry.kind,
    subject: entry.subject,
    body: canonical(entry.body),
    previous: head.hash,
  }
  return { ...row, hash: hashOf(row) }
}
