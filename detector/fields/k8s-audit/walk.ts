/** Ways through an audit event's JSON. What is not there, or null, is undefined; names are data, never prototype members. */
import type { AuditEvent, Json } from '../../events/audit-event.ts'

export const isList = (value: Json | undefined): value is readonly Json[] => Array.isArray(value)

export function member(value: Json | undefined, key: string): Json | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  if (isList(value)) return /^\d{1,9}$/.test(key) ? value[Number(key)] : undefined
  return Object.hasOwn(value, key) ? value[key] : undefined
}

export const at = (value: Json | undefined, ...keys: readonly string[]): Json | undefined =>
  keys.reduce((inner, key) => member(inner, key), value) ?? undefined

/** A string as it is, anything else as JSON. */
export function shown(value: Json | undefined): string | undefined {
  if (value === undefined || value === null) return undefined
  return typeof value === 'string' ? value : JSON.stringify(value)
}

/** Elements of a list as text; undefined for what is no list. */
export const shownList = (value: Json | undefined): readonly string[] | undefined =>
  isList(value) ? value.flatMap((item) => shown(item) ?? []) : undefined

/**
 * What a path leads to when lists on the way are gone through: all of their elements, or the one of an index.
 * An element that lacks the rest of the path gives undefined in its place.
 */
export function gather(
  value: Json | undefined,
  keys: readonly string[],
  index: number | undefined,
): readonly (Json | undefined)[] {
  if (isList(value) && keys.length > 0) {
    const elements = index === undefined ? value : value.slice(index, index + 1)
    return elements.flatMap((element) => gather(element, keys, undefined))
  }
  const [key, ...rest] = keys
  return key === undefined ? [value ?? undefined] : gather(member(value, key), rest, index)
}

export const present = (values: readonly (Json | undefined)[]): readonly string[] =>
  values.flatMap((value) => shown(value) ?? [])

export const requestSpec = ({ document }: AuditEvent) => at(document, 'requestObject', 'spec')
