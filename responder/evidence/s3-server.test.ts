/** Evidence in a real bucket: whole or not at all, with its custody, and an error that says what is wrong. */
import { createHash, randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  CreateBucketCommand,
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
  S3Client,
} from '@aws-sdk/client-s3'
import { afterAll, beforeAll, expect, jest } from '@jest/globals'
import { Custody, type Owner } from './custody.ts'
import { s3Store } from './s3.ts'
import type { Content } from './store.ts'
import { listAudit } from '../ledger/audit.ts'
import { openLedger, type Ledger } from '../ledger/open.ts'
import { needs, reasonToSkip } from '../../scripts/needs.ts'
import { startS3, type S3Server } from '../../e2e/s3/server.ts'

const test = needs('go')
// It is built the first time.
jest.setTimeout(600_000)

const never = new AbortController().signal
const bucket = 'incident-evidence'
const owner: Owner = {
  stepId: 'step1',
  caseId: 'case1',
  alertId: 'a'.repeat(32),
  action: 'capture_pod',
  target: { kind: 'pod', uid: 'u', name: 'pod shop/web-0', node: 'node-a', namespace: 'shop' },
}
const place = { caseId: 'case9', stepId: 'step9', name: 'packets.pcap' }

let s3: S3Server
/** For what the test wants to know beside the product. */
let client: S3Client
let ledger: Ledger
let directory = ''
beforeAll(async () => {
  if (reasonToSkip('go') !== undefined) return
  s3 = await startS3()
  const { endpoint, region, credentials } = s3
  client = new S3Client({ endpoint, region, credentials, forcePathStyle: true })
  await client.send(new CreateBucketCommand({ Bucket: bucket }))
  directory = mkdtempSync(join(tmpdir(), 'riposte-s3-evidence-'))
  ledger = await openLedger({ file: join(directory, 'ledger.db') })
})
afterAll(async () => {
  await ledger?.[Symbol.asyncDispose]()
  client?.destroy()
  await s3?.[Symbol.asyncDispose]()
  if (directory !== '') rmSync(directory, { recursive: true })
})

/** As an operator configures it: credentials in a file. */
function storeOf({
  bucket: name = bucket,
  secret = s3.credentials.secretAccessKey,
  id = s3.credentials.accessKeyId,
} = {}) {
  // prettier-ignore
  const credentialsFile = join(directory, 'credentials')
  const lines = ['[default]', `aws_access_key_id = ${id}`, `aws_secret_access_key = ${secret}`, '']
  writeFileSync(credentialsFile, lines.join('\n'))
  const { endpoint, region } = s3
  return s3Store({ endpoint, region, bucket: name, prefix: 'riposte', credentialsFile, pathStyle: true }) // prettier-ignore
}

const sha256 = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex')

async function whole(content: Content | undefined): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  for await (const chunk of content ?? []) chunks.push(chunk)
  return Buffer.concat(chunks)
}

/** In pieces, and after the first of them what `meanwhile` does. */
async function* inPieces(bytes: Buffer, meanwhile = async () => {}): Content {
  const piece = 9 << 20
  for (let at = 0; at < bytes.length; at += piece) {
    yield bytes.subarray(at, at + piece)
    if (at === 0) await meanwhile()
  }
}

const keys = async () => {
  const { Contents = [] } = await client.send(new ListObjectsV2Command({ Bucket: bucket }))
  return Contents.map(({ Key }) => Key)
}

/** Begun and neither finished nor taken back: paid for, and seen by nobody. */
const unfinished = async () => {
  const { Uploads = [] } = await client.send(new ListMultipartUploadsCommand({ Bucket: bucket }))
  return Uploads.map(({ Key }) => Key)
}

test('what a step keeps lies in the bucket with its manifest, and the audit holds its SHA-256', async () => {
  const store = await storeOf()
  const evidence = new Custody(store, ledger, 64 << 20).of(owner, never)
  const packets = randomBytes(20 << 20)
  await evidence.put('process-tree.json', '{"pid": 1}')
  await evidence.put('packets.pcap', inPieces(packets), sha256(packets))

  expect(await keys()).toEqual([
    'riposte/case1/step1/manifest.json',
    'riposte/case1/step1/packets.pcap',
    'riposte/case1/step1/process-tree.json',
  ])
  const at = { caseId: 'case1', stepId: 'step1' }
  expect(sha256(await whole(await store.get({ ...at, name: 'packets.pcap' })))).toBe(sha256(packets)) // prettier-ignore
  const manifest = await whole(await store.get({ ...at, name: 'manifest.json' }))
  expect(JSON.parse(manifest.toString())).toMatchObject({
    step: 'step1',
    target: { name: 'pod shop/web-0' },
    files: [
      { name: 'process-tree.json', bytes: 10 },
      { name: 'packets.pcap', bytes: 20 << 20, sha256: sha256(packets) },
    ],
  })
  const [latest] = await listAudit(ledger, { subject: 'step1', limit: 1 })
  expect(latest).toMatchObject({
    kind: 'evidence_stored',
    body: { manifest: sha256(manifest), where: `s3://${bucket}/riposte/case1/step1/packets.pcap` },
  })
  expect(await store.list()).toMatchObject([at])
  expect(await evidence.manifest()).toMatchObject({ manifestSha256: sha256(manifest) })
  expect(await store.get({ ...at, name: 'other' })).toBeUndefined()
})

test('what arrives damaged is refused, and nothing of it is in the bucket', async () => {
  const evidence = new Custody(await storeOf(), ledger, 64 << 20).of({ ...owner, stepId: 'step2' }, never) // prettier-ignore
  await expect(evidence.put('a', inPieces(randomBytes(20 << 20)), sha256(Buffer.from('x')))).rejects.toMatchObject({ code: 'evidence_damaged' }) // prettier-ignore
  expect((await keys()).filter((key) => key?.includes('step2'))).toEqual([])
  expect(await unfinished()).toEqual([])
})

test.each([
  ['a secret that is wrong', { secret: 'another' }, /signature|SignatureDoesNotMatch/i],
  ['a key that nobody has', { id: 'nobody' }, /access key|InvalidAccessKeyId/i],
  ['a bucket that is not there', { bucket: 'elsewhere' }, /bucket.*(not exist|NoSuchBucket)/i],
])('%s is said in a sentence', async (_title, wrong, said) => {
  const store = await storeOf(wrong)
  const refused = { code: 'evidence_unkept', message: expect.stringMatching(said) }
  await expect(store.put(place, inPieces(Buffer.from('x')), never)).rejects.toMatchObject(refused)
  await expect(store.get(place)).rejects.toMatchObject(refused)
  await expect(store.list()).rejects.toMatchObject(refused)
})

test('an upload that is given up leaves nothing', async () => {
  const store = await storeOf()
  const giveUp = new AbortController()
  const content = inPieces(randomBytes(30 << 20), () => {
    giveUp.abort(new Error('given up'))
    return Promise.resolve()
  })
  await expect(store.put(place, content, giveUp.signal)).rejects.toThrow('given up')
  expect(await store.get(place)).toBeUndefined()
  expect(await unfinished()).toEqual([])
})

test('a server that dies under an upload is an error that is tried again, and then it is kept', async () => {
  const store = await storeOf()
  const bytes = randomBytes(30 << 20)
  await expect(store.put(place, inPieces(bytes, s3.crash), never)).rejects.toMatchObject({
    code: 'evidence_unkept',
    retryable: true,
  })
  await s3.up()
  expect(await store.get(place)).toBeUndefined()
  await store.put(place, inPieces(bytes), never)
  expect(sha256(await whole(await store.get(place)))).toBe(sha256(bytes))
})
