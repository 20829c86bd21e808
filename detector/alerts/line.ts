/** A judged alert as the line that outputs carry, byte for byte Falco's (falco-compat 5.1). */
import type { ShownValue } from '../engine/print.ts'
import { type JudgedAlert, isList } from './judged.ts'
import { iso8601, localTime, rfc3339 } from './time.ts'

/** falco.yaml's output switches. */
export interface LineFormat {
  readonly isJson: boolean
  readonly hasOutput: boolean
  readonly hasMessage: boolean
  readonly hasOutputFields: boolean
  readonly hasTags: boolean
  /** time_format_iso_8601 */
  readonly isIsoTime: boolean
  readonly hostname: string
}

/** Without the newline; each output ends its lines as its medium wants. */
export function printLine(judged: JudgedAlert, format: LineFormat): string {
  if (judged.isInternal) return format.isJson ? internalJson(judged, format) : internalText(judged)
  return format.isJson ? alertJson(judged, format) : json(prefixed(judged, format)).slice(1, -1)
}

function prefixed({ alert, timeNs }: JudgedAlert, { isIsoTime }: LineFormat): string {
  const time = isIsoTime ? iso8601(timeNs) : localTime(timeNs)
  return `${time}: ${alert.priority} ${alert.output}`
}

function alertJson(judged: JudgedAlert, format: LineFormat): string {
  const { alert, timeNs } = judged
  const members: string[] = [`"hostname":${json(format.hostname)}`]
  if (format.hasMessage) members.push(`"message":${json(alert.output)}`)
  if (format.hasOutput) members.push(`"output":${json(prefixed(judged, format))}`)
  if (format.hasOutputFields) {
    const clock = format.isIsoTime ? 'evt.time.iso8601' : 'evt.time'
    members.push(`"output_fields":${sortedJson(new Map([...judged.fields, [clock, timeNs]]))}`)
  }
  members.push(
    `"priority":${json(alert.priority)}`,
    `"rule":${json(alert.rule)}`,
    `"source":${json(alert.source)}`,
  )
  if (format.hasTags) members.push(`"tags":[${sortedTags(alert.tags).map(json).join(',')}]`)
  members.push(`"time":${json(rfc3339(timeNs))}`)
  return `{${members.join(',')}}`
}

/** No tags, and `output` is the message without time and priority. */
function internalJson({ alert, timeNs, fields }: JudgedAlert, { hostname }: LineFormat): string {
  return `{${[
    `"hostname":${json(hostname)}`,
    `"output":${json(alert.output)}`,
    `"output_fields":${sortedJson(fields)}`,
    `"priority":${json(alert.priority)}`,
    `"rule":${json(alert.rule)}`,
    `"source":${json(alert.source)}`,
    `"time":${json(rfc3339(timeNs))}`,
  ].join(',')}}`
}

/** Always in local time, whatever the time format says; values in their JSON form. */
function internalText({ alert, timeNs, fields }: JudgedAlert): string {
  const pairs = [...fields]
    .toSorted(([a], [b]) => bytewise(a, b))
    .map(([key, value]) => `${key}=${shownJson(value)}`)
  return `${localTime(timeNs)}: ${alert.priority} ${alert.output} (${pairs.join(' ')})`
}

const sortedTags = (tags: readonly string[]) => [...new Set(tags)].toSorted(bytewise)

function sortedJson(fields: ReadonlyMap<string, ShownValue>): string {
  const members = [...fields]
    .toSorted(([a], [b]) => bytewise(a, b))
    .map(([key, value]) => `${json(key)}:${shownJson(value)}`)
  return `{${members.join(',')}}`
}

function shownJson(value: ShownValue): string {
  if (isList(value)) return `[${value.map(shownJson).join(',')}]`
  if (typeof value === 'bigint') return String(value)
  return typeof value === 'string' ? json(value) : JSON.stringify(value)
}

/** JSON.stringify escapes what Falco's encoder does; lone surrogates stand for bytes that are not UTF-8. */
const json = (text: string) => JSON.stringify(text.toWellFormed())

const bytewise = (a: string, b: string) => Buffer.compare(Buffer.from(a), Buffer.from(b))
