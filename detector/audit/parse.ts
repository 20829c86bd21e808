/** What the API server posts, or a line of its audit log → audit events, and why anything in it is refused. */
import type { Json, JsonObject } from '../events/audit-event.ts'
import { member } from '../fields/k8s-audit/walk.ts'

export interface AuditRecord {
  readonly document: JsonObject
  readonly auditId: string
  readonly stage: string
  /** stageTimestamp, nanoseconds since 1970. */
  readonly timeNs: bigint
}

export interface ParsedAudit {
  readonly records: readonly AuditRecord[]
  /** One sentence for each event that cannot be judged. */
  readonly refused: readonly string[]
}

/** Deeper than any object of Kubernetes, and shallow enough for everything that walks or prints it. */
const MAX_DEPTH = 200

/** An EventList, an Event, or an array of either (audit.k8s.io/v1). An event may have at most `maxEventBytes`. */
export function parseAudit(text: string, maxEventBytes: number): ParsedAudit {
  const parsed = parseJson(text)
  if ('problem' in parsed) return { records: [], refused: [parsed.problem] }
  const isSmall = text.length * 3 <= maxEventBytes
  const records: AuditRecord[] = []
  const refused: string[] = []
  for (const event of eventsIn(parsed.value)) {
    const record =
      isSmall || bytesOf(event) <= maxEventBytes ? toRecord(event) : tooLarge(maxEventBytes)
    if (typeof record === 'string') refused.push(record)
    else records.push(record)
  }
  return { records, refused }
}

const tooLarge = (maxEventBytes: number) =>
  `an event has more than maxEventSize (${maxEventBytes}) bytes`

const bytesOf = (value: Json) => Buffer.byteLength(JSON.stringify(value))

function parseJson(text: string): { readonly value: Json } | { readonly problem: string } {
  let value: Json
  try {
    value = JSON.parse(text)
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
    return { problem: 'not JSON' }
  }
  return isDeeper(value, MAX_DEPTH) ? { problem: `nested more than ${MAX_DEPTH} deep` } : { value }
}

function isDeeper(value: Json, depth: number): boolean {
  if (typeof value !== 'object' || value === null) return false
  if (depth === 0) return true
  for (const inner of Object.values(value)) if (isDeeper(inner, depth - 1)) return true
  return false
}

const isArray = (value: Json | undefined): value is readonly Json[] => Array.isArray(value)

function eventsIn(value: Json): readonly Json[] {
  if (isArray(value)) return value.flatMap(eventsIn)
  const items = member(value, 'kind') === 'EventList' ? member(value, 'items') : undefined
  return isArray(items) ? items : [value]
}

/** An item of a list need not say its kind. */
function toRecord(value: Json): AuditRecord | string {
  const kind = member(value, 'kind') ?? 'Event'
  const auditId = member(value, 'auditID')
  if (kind !== 'Event' || typeof auditId !== 'string' || !isObject(value))
    return 'data not recognized as a k8s audit event'
  const stage = member(value, 'stage')
  const timeNs = nanoseconds(member(value, 'stageTimestamp'))
  if (timeNs === undefined) return 'an event without a readable stageTimestamp'
  return { document: value, auditId, stage: typeof stage === 'string' ? stage : '', timeNs }
}

const isObject = (value: Json): value is JsonObject =>
  typeof value === 'object' && value !== null && !isArray(value)

/** RFC 3339 with up to nine digits behind the second. */
function nanoseconds(time: Json | undefined): bigint | undefined {
  if (typeof time !== 'string') return undefined
  const [, seconds, fraction = '', zone] =
    /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)$/.exec(time) ?? []
  const milliseconds = Date.parse(`${seconds}${zone}`)
  if (Number.isNaN(milliseconds)) return undefined
  return BigInt(milliseconds) * 1_000_000n + BigInt(fraction.padEnd(9, '0'))
}
