/** Evidence in a bucket that speaks S3. The SDK is loaded when this is: who keeps evidence elsewhere does not pay for it. */
import { readFileSync } from 'node:fs'
import { messageOf } from '../errors.ts'
import { EvidenceDamaged, EvidenceTooBig, EvidenceUnkept } from './errors.ts'
import { manifestName } from './names.ts'
import type { Content, EvidenceStore, KeptStep, Place } from './store.ts'

export interface S3Settings {
  /** Null: Amazon's, by region. */
  readonly endpoint: string | null
  readonly region: string
  readonly bucket: string
  readonly prefix: string
  /** As the AWS tools write it; null: the default chain (environment, service account, instance). */
  readonly credentialsFile: string | null
  /** The bucket in the path instead of the host name: MinIO and most that are no Amazon. */
  readonly pathStyle: boolean
}

/** Of one listing: each thousand is a call. */
const mostListed = 10_000
const partBytes = 8 << 20
/** Credentials in a file are read anew as often: they may be rotated. */
const credentialsMs = 300_000

export async function s3Store(settings: S3Settings): Promise<EvidenceStore> {
  const { GetObjectCommand, ListObjectsV2Command, NoSuchKey, S3Client } =
    await import('@aws-sdk/client-s3')
  const { Upload } = await import('@aws-sdk/lib-storage')
  const { bucket, prefix, credentialsFile, endpoint } = settings
  const client = new S3Client({
    region: settings.region,
    forcePathStyle: settings.pathStyle,
    maxAttempts: 4,
    requestHandler: { connectionTimeout: 5000, requestTimeout: 60_000 },
    ...(endpoint === null ? {} : { endpoint }),
    ...(credentialsFile === null
      ? {}
      : { credentials: () => Promise.resolve(credentialsOf(credentialsFile)) }),
  })
  const base = prefix === '' ? '' : `${prefix}/`
  const keyOf = ({ caseId, stepId, name }: Place) => `${base}${caseId}/${stepId}/${name}`
  const where = (place: Place) => `s3://${bucket}/${keyOf(place)}`
  return {
    where,
    removeCase: null,

    async put(place, content, signal) {
      const upload = new Upload({
        client,
        partSize: partBytes,
        queueSize: 1,
        params: {
          Bucket: bucket,
          Key: keyOf(place),
          Body: toStream(content),
          ChecksumAlgorithm: 'SHA256',
        },
      })
      const abort = () => void upload.abort()
      signal.addEventListener('abort', abort, { once: true })
      try {
        signal.throwIfAborted()
        await upload.done()
      } catch (error) {
        if (signal.aborted) throw signal.reason
        throw ours(error) ?? unkept(where(place), error)
      } finally {
        signal.removeEventListener('abort', abort)
      }
    },

    async get(place) {
      try {
        const { Body } = await client.send(
          new GetObjectCommand({ Bucket: bucket, Key: keyOf(place) }),
        )
        return Body === undefined ? undefined : chunksOf(Body.transformToWebStream())
      } catch (error) {
        if (error instanceof NoSuchKey) return undefined
        throw unkept(where(place), error)
      }
    },

    async list() {
      const kept: KeptStep[] = []
      let next: string | undefined
      do {
        const page = await client
          .send(new ListObjectsV2Command({ Bucket: bucket, Prefix: base, ContinuationToken: next }))
          .catch((error: unknown) => {
            throw unkept(`s3://${bucket}/${base}`, error)
          })
        for (const { Key = '', LastModified } of page.Contents ?? []) {
          const [caseId = '', stepId = '', name] = Key.slice(base.length).split('/')
          if (name === manifestName)
            kept.push({ caseId, stepId, atMs: LastModified?.getTime() ?? 0 })
        }
        next = page.NextContinuationToken
      } while (next !== undefined && kept.length < mostListed)
      return kept.toSorted((a, b) => b.atMs - a.atMs)
    },
  }
}

const unkept = (where: string, cause: unknown) =>
  new EvidenceUnkept(`${where} cannot be used: ${messageOf(cause)}`, { cause })

/** What the content threw, as it was thrown: it is not the bucket's fault. */
const ours = (error: unknown): Error | undefined =>
  error instanceof EvidenceTooBig || error instanceof EvidenceDamaged ? error : undefined

/** The default profile of a shared credentials file. */
function credentialsOf(file: string) {
  const text = readFileSync(file, 'utf8')
  const profile = /^\[default\]\s*$([^[]*)/m.exec(text)?.[1] ?? text
  const value = (name: string) => new RegExp(`^\\s*${name}\\s*=\\s*(\\S+)`, 'm').exec(profile)?.[1]
  const accessKeyId = value('aws_access_key_id')
  const secretAccessKey = value('aws_secret_access_key')
  const sessionToken = value('aws_session_token')
  if (accessKeyId === undefined || secretAccessKey === undefined)
    throw new EvidenceUnkept(
      `${file} holds no aws_access_key_id and aws_secret_access_key of a profile [default]`,
    )
  const expiration = new Date(Date.now() + credentialsMs)
  return {
    accessKeyId,
    secretAccessKey,
    expiration,
    ...(sessionToken === undefined ? {} : { sessionToken }),
  }
}

const toStream = (content: Content): ReadableStream<Uint8Array> => {
  const chunks = content[Symbol.asyncIterator]()
  return new ReadableStream({
    async pull(controller) {
      const { done, value } = await chunks.next()
      if (done === true) controller.close()
      else controller.enqueue(value)
    },
    async cancel() {
      await chunks.return?.()
    },
  })
}

async function* chunksOf(stream: ReadableStream<Uint8Array>): Content {
  for await (const chunk of stream) yield chunk
}
