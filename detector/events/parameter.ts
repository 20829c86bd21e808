/** Parameters by name: the index in each event is resolved once, so that reading one is an array look-up. */
import { events } from './schema.ts'
import type { EventView, SocketTuple } from './view.ts'

/** Index of the parameter in each event by event id; -1 where the event has none, or is not one of `only`. */
export function indexes(name: string, only?: ReadonlySet<string>): Int16Array {
  return Int16Array.from(events, (row) =>
    only === undefined || only.has(row.name)
      ? row.parameters.findIndex((parameter) => parameter.name === name)
      : -1,
  )
}

/** A reader of a scalar parameter; undefined where the event has none or the kernel could not have it. */
export function intOf(name: string, only?: ReadonlySet<string>) {
  const at = indexes(name, only)
  return (view: EventView): number | undefined => {
    const parameter = at[view.eventId] ?? -1
    return parameter < 0 ? undefined : view.int(parameter)
  }
}

export function bigintOf(name: string, only?: ReadonlySet<string>) {
  const at = indexes(name, only)
  return (view: EventView): bigint | undefined => {
    const parameter = at[view.eventId] ?? -1
    return parameter < 0 ? undefined : view.bigint(parameter)
  }
}

export function textOf(name: string, only?: ReadonlySet<string>) {
  const at = indexes(name, only)
  return (view: EventView): string | undefined => {
    const parameter = at[view.eventId] ?? -1
    return parameter < 0 ? undefined : view.text(parameter)
  }
}

export function listOf(name: string, only?: ReadonlySet<string>) {
  const at = indexes(name, only)
  return (view: EventView): readonly string[] | undefined => {
    const parameter = at[view.eventId] ?? -1
    return parameter < 0 ? undefined : view.list(parameter)
  }
}

export function bytesOf(name: string, only?: ReadonlySet<string>) {
  const at = indexes(name, only)
  return (view: EventView): Uint8Array | undefined => {
    const parameter = at[view.eventId] ?? -1
    return parameter < 0 ? undefined : view.bytes(parameter)
  }
}

export function socketOf(name: string, only?: ReadonlySet<string>) {
  const at = indexes(name, only)
  return (view: EventView): SocketTuple | undefined => {
    const parameter = at[view.eventId] ?? -1
    return parameter < 0 ? undefined : view.socket(parameter)
  }
}

/** For each event id, whether the event is one of `names`. */
export function eventSet(...names: readonly string[]): readonly boolean[] {
  return events.map((row) => names.includes(row.name))
}
