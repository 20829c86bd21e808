import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from '@jest/globals'
import { s3Store } from './s3.ts'
import type { Content } from './store.ts'

const never = new AbortController().signal
const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('base64')

// oxlint-disable-next-line typescript/require-await -- an async iterable of what is here already
async function* only(bytes: Uint8Array): Content {
  yield bytes
}

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(Buffer.from(chunk))
  return Buffer.concat(chunks)
}

/** No real S3: it holds what the SDK sends to what S3 asks for, and keeps it. */
async function bucket() {
  const objects = new Map<string, Buffer>()
  const parts = new Map<string, Buffer[]>()
  const seen: string[] = []
  const server = createServer((request, response) => {
    void (async () => {
      const body = await bodyOf(request)
      const url = new URL(request.url ?? '', 'http://s3')
      const { authorization = '', 'x-amz-checksum-sha256': sum } = request.headers
      const isSigned = /^AWS4-HMAC-SHA256 Credential=AKID\/\d{8}\/eu-1\/s3\//.test(authorization)
      const isUpload = request.method === 'PUT'
      const isWhole = !isUpload || sum === sha256(body)
      seen.push(`${request.method} ${[...url.searchParams.keys()].toSorted().join(' ')}`.trim())
      if (!isSigned || !isWhole) return response.writeHead(403).end()
      if (request.method === 'POST' && url.searchParams.has('uploads')) {
        parts.set(url.pathname, [])
        return response.end(
          '<InitiateMultipartUploadResult><UploadId>u1</UploadId></InitiateMultipartUploadResult>',
        )
      }
      if (isUpload && url.searchParams.has('partNumber')) {
        parts.get(url.pathname)?.push(body)
        return response.writeHead(200, { etag: `"${seen.length}"` }).end()
      }
      if (request.method === 'POST') {
        objects.set(url.pathname, Buffer.concat(parts.get(url.pathname) ?? []))
        return response.end(
          '<CompleteMultipartUploadResult><ETag>"e"</ETag></CompleteMultipartUploadResult>',
        )
      }
      if (request.method === 'DELETE') return response.writeHead(204).end()
      if (isUpload) {
        objects.set(url.pathname, body)
        return response.writeHead(200, { etag: '"1"' }).end()
      }
      if (url.searchParams.has('list-type')) {
        const keys = [...objects.keys()].map((path) => path.slice('/evidence/'.length))
        const rows = keys.map(
          (key) =>
            `<Contents><Key>${key}</Key><LastModified>2026-11-21T00:00:00.000Z</LastModified></Contents>`,
        )
        return response.end(`<ListBucketResult>${rows.join('')}</ListBucketResult>`)
      }
      const found = objects.get(url.pathname)
      if (found !== undefined) return response.end(found)
      return response.writeHead(404).end('<Error><Code>NoSuchKey</Code></Error>')
    })()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  const port = typeof address === 'object' ? (address?.port ?? 0) : 0
  const folder = mkdtempSync(join(tmpdir(), 'riposte-s3-'))
  const credentialsFile = join(folder, 'credentials')
  writeFileSync(
    credentialsFile,
    '[default]\naws_access_key_id = AKID\naws_secret_access_key = secret\n',
  )
  const store = await s3Store({
    endpoint: `http://127.0.0.1:${port}`,
    region: 'eu-1',
    bucket: 'evidence',
    prefix: 'riposte',
    credentialsFile,
    pathStyle: true,
  })
  return {
    store,
    seen,
    objects,
    async [Symbol.asyncDispose]() {
      rmSync(folder, { recursive: true })
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

async function whole(content: Content | undefined): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  for await (const chunk of content ?? []) chunks.push(chunk)
  return Buffer.concat(chunks)
}

// oxlint-disable-next-line typescript/require-await -- as above
async function* broken(): Content {
  yield Buffer.from('x')
  throw new Error('cut off')
}

const place = { caseId: 'c', stepId: 's', name: 'manifest.json' }

test('a file goes to the bucket signed and with its SHA-256, is listed, and comes back', async () => {
  await using s3 = await bucket()
  await s3.store.put(place, only(Buffer.from('hello')), never)
  expect([...s3.objects.keys()]).toEqual(['/evidence/riposte/c/s/manifest.json'])
  expect(s3.store.where(place)).toBe('s3://evidence/riposte/c/s/manifest.json')
  expect((await whole(await s3.store.get(place))).toString()).toBe('hello')
  expect(await s3.store.get({ ...place, name: 'other' })).toBeUndefined()
  expect(await s3.store.list()).toEqual([
    { caseId: 'c', stepId: 's', atMs: Date.parse('2026-11-21') },
  ])
})

test('a long file goes in parts, each with its SHA-256', async () => {
  await using s3 = await bucket()
  const long = Buffer.alloc(20 << 20, 'x')
  await s3.store.put(place, only(long), never)
  expect(s3.seen.filter((call) => call.includes('partNumber'))).toHaveLength(3)
  expect([...s3.objects.values()][0]?.equals(long)).toBe(true)
})

test('what breaks off on its way is an error, and nothing of it is kept', async () => {
  await using s3 = await bucket()
  await expect(s3.store.put(place, broken(), never)).rejects.toThrow('cut off')
  expect(s3.objects.size).toBe(0)
})
