/** Shape of a source of audit events: the webhook is one, a file another. */
import type { ParsedAudit } from './parse.ts'

export interface AuditSourceOptions {
  /** False: not all is kept, so it has to come again. */
  readonly take: (parsed: ParsedAudit) => Promise<boolean>
  readonly say: (line: string) => void
}

export interface AuditSource {
  /** Resolves once events are taken; rejects with an AuditSourceError. */
  start(): Promise<void>
  /** Resolves when there is nothing more to come: the end of a file. A webhook and a followed file have none. */
  readonly ended: Promise<void>
  readonly degraded: () => readonly string[]
  stop(): Promise<void>
}

/** The port is taken, a file is not there. */
export class AuditSourceError extends Error {
  readonly code = 'audit_source'
  readonly retryable = false
}
