/**
 * A change of some values of one object, told by what they were and what they are to be: the same record makes it, sees
 * it and takes it back. What is neither as it was nor as it is to be was changed by somebody else, and stays.
 */
import { isDeepStrictEqual } from 'node:util'
import { z } from 'zod'
import type { Kubernetes, KubernetesObject, PatchOperation, WriteOptions } from './kubernetes.ts'
import { entriesOf, entriesPatch, entriesSchema, valuePatch, type Entries } from './map-patch.ts'
import { referenceSchema } from './objects.ts'
import { unchangedSince } from './prior-state.ts'

/** Null: not there. `path` as in JSON patch (RFC 6901); annotations apart, as their map may have to be made. */
const valueSchema = z.object({ path: z.string(), was: z.unknown(), wanted: z.unknown() })
export const changeSchema = z.object({
  reference: referenceSchema,
  values: z.array(valueSchema),
  annotations: z.object({ was: entriesSchema, wanted: entriesSchema }),
})
export type Change = z.infer<typeof changeSchema>

/** `note`: annotations to write along, whatever they were. */
export interface Making extends WriteOptions {
  readonly note?: (object: KubernetesObject) => Entries
}

/** From what the object has now. */
export const changeTo = (
  object: KubernetesObject,
  reference: Change['reference'],
  values: Readonly<Record<string, unknown>>,
  annotations: Entries = {},
): Change => ({
  reference,
  values: Object.entries(values).map(([path, wanted]) => ({
    path,
    was: valueAt(object, path),
    wanted,
  })),
  annotations: {
    was: entriesOf(object, 'annotations', Object.keys(annotations)),
    wanted: annotations,
  },
})

/** The same change the other way round. */
export const reversed = ({ reference, values, annotations }: Change): Change => ({
  reference,
  values: values.map(({ path, was, wanted }) => ({ path, was: wanted, wanted: was })),
  annotations: { was: annotations.wanted, wanted: annotations.was },
})

/** In one write; none where it is made already. Throws Conflict where it is neither, TargetGone, and what `patch` throws. */
export async function makeChange(
  kubernetes: Pick<Kubernetes, 'get' | 'patch'>,
  change: Change,
  { note = () => ({}), isDryRun = false }: Making = {},
): Promise<void> {
  const { reference, values, annotations } = change
  const object = await kubernetes.get(reference)
  const isDone = isMade(object, change)
  if (!isDone) unchangedSince(object, wasOf(change), foundOf(object, change))
  const operations: readonly PatchOperation[] = [
    ...(isDone ? [] : values.flatMap(({ path, was, wanted }) => valuePatch(path, was, wanted))),
    ...entriesPatch(object, 'annotations', { ...annotations.wanted, ...note(object) }),
  ]
  if (operations.length > 0) await kubernetes.patch(reference, operations, { isDryRun })
}

export const isMade = (object: KubernetesObject, change: Change): boolean =>
  isDeepStrictEqual(foundOf(object, change), wantedOf(change))

const foundOf = (object: KubernetesObject, { values, annotations }: Change) => ({
  ...Object.fromEntries(values.map(({ path }) => [path, valueAt(object, path)])),
  ...entriesOf(object, 'annotations', Object.keys(annotations.wanted)),
})
const wasOf = ({ values, annotations }: Change) => ({
  ...Object.fromEntries(values.map(({ path, was }) => [path, was])),
  ...annotations.was,
})
const wantedOf = ({ values, annotations }: Change) => ({
  ...Object.fromEntries(values.map(({ path, wanted }) => [path, wanted])),
  ...annotations.wanted,
})

const mapSchema = z.record(z.string(), z.unknown())

/** Null where there is nothing. */
export function valueAt(object: KubernetesObject, path: string): unknown {
  let at: unknown = object
  for (const part of path.split('/').slice(1)) {
    const map = mapSchema.safeParse(at)
    at = map.success ? map.data[part.replaceAll('~1', '/').replaceAll('~0', '~')] : undefined
  }
  return at ?? null
}
