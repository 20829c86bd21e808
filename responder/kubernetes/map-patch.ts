/** Labels and annotations of an object, and parts of its spec, as a JSON patch: what changes is tested first, what is not named stays. */
import { z } from 'zod'
import type { KubernetesObject, PatchOperation } from './kubernetes.ts'

/** Key → value; null: not there. */
export type Entries = Readonly<Record<string, string | null>>
export const entriesSchema = z.record(z.string(), z.string().nullable())

type Part = 'labels' | 'annotations'

/** A key or value of JSON patch's paths (RFC 6901). */
export const pointer = (text: string): string => text.replaceAll('~', '~0').replaceAll('/', '~1')

/** The entries as the object has them now. */
export const entriesOf = (object: KubernetesObject, part: Part, keys: readonly string[]): Entries =>
  Object.fromEntries(keys.map((key) => [key, object.metadata[part]?.[key] ?? null]))

/** From what the object has to `wanted`, as long as nobody changed those entries meanwhile. */
export function entriesPatch(
  object: KubernetesObject,
  part: Part,
  wanted: Entries,
): readonly PatchOperation[] {
  const had = object.metadata[part]
  const path = `/metadata/${part}`
  const changes = Object.entries(wanted).filter(([key, value]) => (had?.[key] ?? null) !== value)
  if (changes.length === 0) return []
  const whole: readonly PatchOperation[] =
    had === undefined
      ? [
          { op: 'test', path, value: null },
          { op: 'add', path, value: {} },
        ]
      : []
  return [
    ...whole,
    ...changes.flatMap(([key, value]): PatchOperation[] => {
      const at = `${path}/${pointer(key)}`
      const before = had?.[key] ?? null
      const unchanged: PatchOperation[] =
        had === undefined ? [] : [{ op: 'test', path: at, value: before }]
      if (value === null) return [...unchanged, { op: 'remove', path: at }]
      return [...unchanged, { op: before === null ? 'add' : 'replace', path: at, value }]
    }),
  ]
}

/** One value below the object, from what it was (null: not there) to what it is to be. */
export function valuePatch(path: string, was: unknown, wanted: unknown): readonly PatchOperation[] {
  const unchanged: PatchOperation = { op: 'test', path, value: was }
  if (wanted === null) return [unchanged, { op: 'remove', path }]
  return [unchanged, { op: was === null ? 'add' : 'replace', path, value: wanted }]
}
