/** Where evidence is kept, as the configuration says it. */
import { join } from 'node:path'
import { z } from 'zod'
import { strict, word } from '../policy/strict.ts'
import { localStore } from './local.ts'
import { s3Store } from './s3.ts'
import type { EvidenceStore } from './store.ts'

const path = z.string().min(1)

const s3Schema = strict({
  endpoint: z
    .url({ protocol: /^https?$/, error: 'must be a URL such as https://minio.example:9000' })
    .nullable()
    .default(null)
    .describe("null: Amazon's, by region"),
  region: z.string().min(1).default('us-east-1'),
  bucket: z.string().min(3).max(63).describe('store s3: it is not made'),
  prefix: z
    .string()
    .regex(/^[\w.+-]+(\/[\w.+-]+)*$|^$/, { error: 'must be a/b, without slashes at its ends' })
    .default('riposte')
    .describe('before every key'),
  credentialsFile: path
    .nullable()
    .default(null)
    .describe('as the AWS tools write it, profile default; null: environment or service account'),
  pathStyle: z.boolean().default(false).describe('the bucket in the path: MinIO and its like'),
})

export const evidenceSchema = strict({
  store: word('store', ['local', 's3', 'none'])
    .default('local')
    .describe('none: what nodes capture stays on the nodes'),
  directory: path
    .nullable()
    .default(null)
    .describe('store local: null is evidence in the data directory'),
  s3: s3Schema.nullable().default(null),
  maxBytesPerStep: z
    .int()
    .min(1 << 16)
    .max(2 ** 40)
    .default(256 << 20)
    .describe('of all files that one step keeps'),
  retainDays: z
    .int()
    .min(1)
    .max(3650)
    .default(90)
    .describe(
      'store local: older ones go, never those of live cases; buckets have their own rules',
    ),
}).superRefine(({ store, s3, directory }, context) => {
  const refuse = (key: string, message: string) => {
    context.addIssue({ code: 'custom', path: [key], message })
  }
  if (store === 's3' && s3 === null) refuse('store', 's3 needs evidence.s3 with a bucket')
  if (store !== 's3' && s3 !== null) refuse('s3', 'is for store s3')
  if (store !== 'local' && directory !== null) refuse('directory', 'is for store local')
})

export type EvidenceSettings = z.infer<typeof evidenceSchema>

/** Null: there is none. */
export async function openStore(
  { store, directory, s3 }: EvidenceSettings,
  data: string,
): Promise<EvidenceStore | null> {
  if (store === 'none') return null
  if (store === 's3' && s3 !== null) return s3Store(s3)
  return localStore(directory ?? join(data, 'evidence'))
}
