/** The little that we rely on in every object; the rest is passed on as it came. */
import { z } from 'zod'
import type { KubernetesObject, ObjectReference, PatchOperation } from './kubernetes.ts'

const names = z.record(z.string(), z.string()).optional()

export const objectSchema = z.looseObject({
  apiVersion: z.string(),
  kind: z.string(),
  metadata: z.looseObject({
    name: z.string().default(''),
    namespace: z.string().optional(),
    uid: z.string().default(''),
    resourceVersion: z.string().default(''),
    creationTimestamp: z.string().nullable().default(null),
    generation: z.number().optional(),
    deletionTimestamp: z.string().optional(),
    labels: names,
    annotations: names,
    ownerReferences: z
      .array(
        z.looseObject({
          apiVersion: z.string(),
          kind: z.string(),
          name: z.string(),
          uid: z.string(),
          controller: z.boolean().optional(),
        }),
      )
      .optional(),
  }),
})

/** Items of a list come without version and kind. */
export const listSchema = z.looseObject({
  metadata: z.looseObject({ continue: z.string().default('') }).prefault({}),
  items: z
    .array(z.record(z.string(), z.unknown()))
    .nullable()
    .transform((items) => items ?? []),
})

/** A reference in an effect, as it comes back from the ledger. */
export const referenceSchema = z.object({
  apiVersion: z.string(),
  kind: z.string(),
  namespace: z.string().nullable(),
  name: z.string(),
  uid: z.string().nullable(),
})

/** Operations in an effect. A `test` for null comes back as one. */
export const patchSchema: z.ZodType<PatchOperation[]> = z.array(
  z.strictObject({
    op: z.enum(['add', 'remove', 'replace', 'test']),
    path: z.string(),
    value: z.unknown().optional(),
  }),
)

export const referenceTo = ({ apiVersion, kind, metadata }: KubernetesObject): ObjectReference => ({
  apiVersion,
  kind,
  namespace: metadata.namespace ?? null,
  name: metadata.name,
  uid: metadata.uid,
})

/** For people: `pod shop/web-0`, `node worker-1`. */
export const nameOf = (object: {
  readonly kind: string
  readonly namespace?: string | null | undefined
  readonly name: string
}): string => {
  const path = object.namespace ? `${object.namespace}/${object.name}` : object.name
  return `${object.kind.toLowerCase()} ${path}`
}
