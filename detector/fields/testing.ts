/** For tests: a record through the same road as a live one (bytes, view, state), and a field of it by its text. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type RecordSource, encode } from '../events/encode.ts'
import { type Event, type LiveEvent, createEvent } from '../events/event.ts'
import { readRecord } from '../events/read-record.ts'
import { apply } from '../state/apply.ts'
import type { Host } from '../state/host.ts'
import { type State, type StateOptions, createState } from '../state/state.ts'
import type { FieldValue } from './index.ts'
import { syscallFields } from './table.ts'

/** 2026-11-21T09:00:00Z, when the test's host was booted. */
export const BOOTED_NS = 1_795_251_600_000_000_000n

const host: Host = {
  hostname: 'node-1',
  bootId: '7b0e8f3a-0000-4000-8000-000000000000',
  wallTimeNs: (bootTimeNs) => BOOTED_NS + bootTimeNs,
  nowNs: () => 3_600_000_000_000n,
  refresh() {},
}

/** A state that asks nothing of the host that the test runs on. */
export const testState = (options: Partial<StateOptions> = {}): State =>
  createState({ host, lookUpsPerSecond: 0, ...options })

/** Applies records in turn; what the last one became. */
export function eventFrom(
  state: State,
  ...records: readonly [RecordSource, ...RecordSource[]]
): LiveEvent {
  const [first] = records
  const event = createEvent(readRecord(encode(first)), state)
  for (const record of records) {
    event.view = readRecord(encode(record))
    apply(event)
  }
  return event
}

/** The value of `proc.aname[2]` or `evt.arg.flags`; a field that cannot be bound is an error. */
export function valueOf(event: Event, text: string): FieldValue {
  const [, name = '', argument] = /^([^[]+)(?:\[(.*)\])?$/.exec(text) ?? []
  const use = syscallFields.find(name, argument)
  if ('problem' in use) throw new TypeError(use.problem)
  return use.read(event)
}

/** A root with accounts of its own; gone at the end of the `using` block. */
export function hostRoot(files: Readonly<Record<string, string>>) {
  const path = mkdtempSync(join(tmpdir(), 'riposte-root-'))
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(join(path, name, '..'), { recursive: true })
    writeFileSync(join(path, name), content)
  }
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true }) }
}
