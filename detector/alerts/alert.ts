/** One rule's alerts: bound to the field table at load, then made from each event that the rule matched. */
import { createHash } from 'node:crypto'
import type {
  Place,
  Priority,
  ProcessIdentity,
  RequestedAction,
  Strike,
} from '../../contract/alert.ts'
import { compileOutput, type FormatOptions, type TemplateProblem } from '../engine/format.ts'
import type { ShownValue } from '../engine/print.ts'
import type { Event } from '../events/event.ts'
import type { FieldTable, FieldValue } from '../fields/index.ts'
import { type AppendOutput, extraFields, withAppended } from './append-output.ts'
import { type JudgedAlert, contractFields } from './judged.ts'
import { rfc3339 } from './time.ts'

/** Who speaks: the same in every alert of this run. */
export interface NodeIdentity {
  readonly node: string
  readonly bootId: string
}

/** What an alert takes from a loaded rule. */
export interface AlertRule {
  readonly name: string
  readonly priority: Priority
  readonly source: string
  readonly tags: readonly string[]
  readonly output: string
  readonly actions: readonly RequestedAction[]
}

export interface AlertOptions extends FormatOptions {
  readonly identity: NodeIdentity
  readonly appendOutput: readonly AppendOutput[]
  readonly staticFields: ReadonlyMap<string, string>
  /** Nanoseconds since 1970 of a record's boot-clock time. */
  readonly wallTimeNs: (bootTimeNs: bigint) => bigint
  /** What the kernel did or would have done inside the call, from the record's strike bits. */
  readonly strikesOf: (event: Event, rule: string) => Strike[]
}

export type AlertMaker = (event: Event) => JudgedAlert

export function compileAlert(
  rule: AlertRule,
  options: AlertOptions,
): AlertMaker | readonly TemplateProblem[] {
  const template = compileOutput(withAppended(rule, options.appendOutput), options)
  if (!('message' in template)) return template
  const extra = extraFields(rule, options)
  if (!('collect' in extra)) return extra
  const processOf = compileProcess(options.table)
  const placeOf = compilePlace(options.table)
  const { identity, wallTimeNs, strikesOf, staticFields } = options
  return (event) => {
    const timeNs = wallTimeNs(event.view.timeNs)
    const fields = new Map<string, ShownValue>()
    template.collect(event, fields)
    extra.collect(event, fields)
    for (const [name, value] of staticFields) fields.set(name, value)
    return {
      timeNs,
      fields,
      isInternal: false,
      alert: {
        id: alertId(identity, event, rule.name),
        node: identity.node,
        bootId: identity.bootId,
        rule: rule.name,
        priority: rule.priority,
        source: rule.source,
        tags: [...new Set(rule.tags)].toSorted(),
        time: rfc3339(timeNs),
        output: template.message(event).toWellFormed(),
        outputFields: contractFields(fields),
        actions: [...rule.actions],
        process: processOf(event),
        place: placeOf(event),
        request: null,
        object: null,
        strikes: strikesOf(event, rule.name),
      },
    }
  }
}

function alertId({ bootId }: NodeIdentity, { view }: Event, rule: string): string {
  const what = `${bootId} ${view.timeNs} ${view.cpu} ${view.tid} ${rule}`
  return createHash('sha256').update(what).digest('hex').slice(0, 32)
}

function compileProcess(table: FieldTable): (event: Event) => ProcessIdentity | null {
  const name = reader(table, 'proc.name')
  const exePath = reader(table, 'proc.exepath')
  const commandLine = reader(table, 'proc.cmdline')
  const session = reader(table, 'proc.sid')
  return (event) => {
    const { view } = event
    if (view.pid <= 0) return null
    return {
      pid: view.pid,
      startTimeNs: String(view.startTimeNs),
      name: text(name(event)),
      exePath: text(exePath(event)),
      commandLine: text(commandLine(event)),
      parentPid: view.parentPid,
      sessionId: Math.max(0, Number(session(event) ?? 0)),
      userId: view.userId,
    }
  }
}

function compilePlace(table: FieldTable): (event: Event) => Place {
  const container = reader(table, 'container.id')
  return (event) => {
    const id = container(event)
    return {
      cgroupId: String(event.view.cgroupId),
      containerId: typeof id === 'string' && id !== '' ? id : null,
      container: null,
      pod: null,
      isPending: false,
    }
  }
}

/** A field that this table does not have reads as missing. */
function reader(table: FieldTable, name: string): (event: Event) => FieldValue {
  const use = table.find(name, undefined)
  return 'problem' in use ? () => undefined : use.read
}

const text = (value: FieldValue) => (typeof value === 'string' ? value.toWellFormed() : '')
