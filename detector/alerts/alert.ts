/** One rule's alerts: bound to the field table at load, then made from each event that the rule matched. */
import { createHash } from 'node:crypto'
import type { Place, ProcessIdentity, Strike } from '../../contract/alert.ts'
import type { TemplateProblem } from '../engine/format.ts'
import type { Event } from '../events/event.ts'
import type { FieldTable, FieldValue } from '../fields/index.ts'
import { placeIn } from '../state/container.ts'
import type { JudgedAlert } from './judged.ts'
import type { AlertRule } from './alert-rule.ts'
import type { NodeIdentity } from './printed.ts'
import { type RuledOptions, compileRuled } from './ruled.ts'

export interface AlertOptions extends RuledOptions<Event> {
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
  const processOf = compileProcess(options.table)
  const placeOf = compilePlace(options.table)
  const { identity, wallTimeNs, strikesOf } = options
  return compileRuled(rule, options, (event) => ({
    id: alertId(identity, event, rule.name),
    timeNs: wallTimeNs(event.view.timeNs),
    process: processOf(event),
    place: placeOf(event),
    request: null,
    object: null,
    strikes: strikesOf(event, rule.name),
  }))
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
  const containerId = reader(table, 'container.id')
  return (event) => {
    const { cgroupId } = event.view
    const container = event.process?.container
    if (container !== undefined) return placeIn(container, cgroupId)
    const id = containerId(event)
    return {
      cgroupId: String(cgroupId),
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
