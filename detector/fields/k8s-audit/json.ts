/** jevt.* and json.*: anything of the event by JSON pointer (RFC 6901), the whole of it, and its time. */
import type { AuditEvent, Json } from '../../events/audit-event.ts'
import * as clock from '../time-text.ts'
import { type AuditField, keyed, text } from './row.ts'
import { member } from './walk.ts'

/** Unlike ka.*, null shows: as `null`. */
function pointed({ document }: AuditEvent, pointer: string): string | undefined {
  const path = pointer.startsWith('/') ? pointer.slice(1) : pointer
  const keys = path === '' ? [] : path.split('/')
  const value = keys
    .map((key) => key.replaceAll('~1', '/').replaceAll('~0', '~'))
    .reduce((inner: Json | undefined, key) => member(inner, key), document)
  return typeof value === 'string' || value === undefined ? value : JSON.stringify(value)
}

const rowsOf = (prefix: 'jevt' | 'json'): AuditField[] => [
  keyed(`${prefix}.value`, 'what the JSON pointer in brackets leads to', pointed),
  text(`${prefix}.obj`, 'the whole event as JSON, indented', ({ document }) =>
    JSON.stringify(document, undefined, 2),
  ),
  text(`${prefix}.rawtime`, 'time of the event in nanoseconds since 1970', ({ timeNs }) =>
    String(timeNs),
  ),
]

export const jsonFields: readonly AuditField[] = [
  ...rowsOf('jevt'),
  ...rowsOf('json'),
  text('jevt.time', 'time of the event: 13:20:01.123456789', ({ timeNs }) =>
    clock.clockExact(timeNs),
  ),
  text('jevt.time.iso8601', 'time of the event in UTC', ({ timeNs }) => clock.iso8601(timeNs)),
]
