/** Falco's own alerts about itself: records lost, outputs overflowing, rules that would not load. */
import { createHash } from 'node:crypto'
import type { Priority } from '../../contract/alert.ts'
import type { ShownValue } from '../engine/print.ts'
import { type JudgedAlert, contractFields } from './judged.ts'
import type { NodeIdentity } from './printed.ts'
import { rfc3339 } from './time.ts'

export interface InternalNotice {
  /** `Falco internal: syscall event drop`, … */
  readonly rule: string
  readonly priority: Priority
  readonly message: string
  readonly fields: ReadonlyMap<string, ShownValue>
  readonly timeNs: bigint
}

export function internalAlert(notice: InternalNotice, identity: NodeIdentity): JudgedAlert {
  const { rule, priority, message, fields, timeNs } = notice
  const id = createHash('sha256').update(`${identity.bootId} ${timeNs} ${rule}`).digest('hex')
  return {
    timeNs,
    fields,
    isInternal: true,
    alert: {
      id: id.slice(0, 32),
      node: identity.node,
      bootId: identity.bootId,
      rule,
      priority,
      source: 'internal',
      tags: [],
      time: rfc3339(timeNs),
      output: message,
      outputFields: contractFields(fields),
      actions: [],
      process: null,
      place: null,
      request: null,
      object: null,
      strikes: [],
    },
  }
}

/**
 * In Falco's words and with Falco's field names where they mean the same; `lost` is by record class since the
 * last such alert. Falco says "in last second"; so do we, because it is counted each second.
 */
export function lostRecords(
  lost: ReadonlyMap<string, number>,
  judged: number,
  timeNs: bigint,
): InternalNotice {
  const total = [...lost.values()].reduce((sum, count) => sum + count, 0)
  const rule = 'Falco internal: syscall event drop'
  return {
    rule,
    priority: 'Debug',
    message: `${rule}. ${total} system calls dropped in last second.`,
    timeNs,
    fields: new Map<string, ShownValue>([
      ['ebpf_enabled', '1'],
      ['n_drops', String(total)],
      ['n_drops_buffer_total', String(total)],
      ['n_evts', String(judged + total)],
      ...[...lost].map(([name, count]) => [`n_drops_buffer_${name}`, String(count)] as const),
    ]),
  }
}

/** Audit events that were posted or logged and are none, or are too large. */
export function refusedEvents(count: number, timeNs: bigint): InternalNotice {
  const rule = 'Riposte internal: audit events refused'
  return {
    rule,
    priority: 'Warning',
    message: `${rule}: ${count} in last second could not be read`,
    timeNs,
    fields: new Map([['n_refused', count]]),
  }
}

/** New rules that would not load: the old ones stay in force. */
export function reloadFailed(errors: number, timeNs: bigint): InternalNotice {
  const rule = 'Falco internal: hot restart failure'
  return {
    rule,
    priority: 'Critical',
    message: `${rule}: ${errors} problems in the rule files, the rules before them stay in force`,
    timeNs,
    fields: new Map([['n_errors', errors]]),
  }
}

/** A strike hit a process for an event that its rule does not match: it is out of force until the policy changes. */
export function strikeDisarmed(policy: string, rule: string, timeNs: bigint): InternalNotice {
  const title = 'Riposte internal: strike disarmed'
  return {
    rule: title,
    priority: 'Critical',
    message: `${title}: policy ${policy} struck for rule ${rule}, which the event does not match`,
    timeNs,
    fields: new Map([
      ['policy', policy],
      ['rule', rule],
    ]),
  }
}
