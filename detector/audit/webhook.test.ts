import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { request as httpRequest } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from '@jest/globals'
import type { WebhookDoor } from './settings.ts'
import { eventually } from '../../e2e/support/eventually.ts'
import { needs } from '../../scripts/needs.ts'
import { auditEvent, judging } from './testing.ts'
import { AuditWebhook } from './webhook.ts'

const rules = `
- rule: Secret read
  desc: d
  condition: ka.target.resource = secrets and ka.verb in (get, list)
  output: "%ka.user.name read %ka.target.namespace/%ka.target.name"
  priority: WARNING
  source: k8s_audit
  tags: [kubernetes]
`
const secretRead = auditEvent({
  objectRef: { resource: 'secrets', namespace: 'prod', name: 'db', apiVersion: 'v1' },
})
const list = { kind: 'EventList', apiVersion: 'audit.k8s.io/v1', items: [secretRead] }

let directory = ''
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'webhook-'))
})
afterEach(() => {
  rmSync(directory, { recursive: true })
})

const file = (name: string) => join(directory, name)

async function listening(more: Partial<WebhookDoor> = {}) {
  const judged = judging(rules)
  const webhook = new AuditWebhook(
    {
      kind: 'webhook', isTls: false, host: '127.0.0.1', port: 0, path: '/k8s-audit', certificateFile: '', keyFile: '',
      tokenFile: '', clientCaFile: '', clientNames: [], maxBodyBytes: 100_000, maxConcurrent: 2, requestTimeoutMs: 5000,
      maxEventBytes: 10_000, ...more,
    }, // prettier-ignore
    { take: (parsed) => judged.pipeline.take(parsed), say: () => undefined },
  )
  await webhook.start()
  return {
    ...judged,
    judged,
    webhook,
    async [Symbol.asyncDispose]() {
      await webhook.stop()
      judged[Symbol.dispose]()
    },
  }
}

interface Post {
  readonly body?: unknown
  readonly path?: string
  readonly method?: string
  readonly headers?: Record<string, string>
  readonly tls?: Record<string, string | Buffer>
}

/** Status and text; a connection that is refused is the error's code. */
function post(
  webhook: AuditWebhook,
  { body = list, path = '/k8s-audit', method = 'POST', headers, tls }: Post = {},
) {
  const send = tls === undefined ? httpRequest : httpsRequest
  return new Promise<{ status: number | string; text: string }>((resolve) => {
    const request = send({ host: '127.0.0.1', port: webhook.port, path, method, headers: { 'content-type': 'application/json; charset=utf-8', ...headers }, agent: false, servername: 'localhost', ...tls }) // prettier-ignore
    request.on('error', (error: NodeJS.ErrnoException) => {
      resolve({ status: error.code ?? '', text: error.message })
    })
    request.on('response', (response) => {
      response.setEncoding('utf8')
      let text = ''
      response.on('data', (part: string) => (text += part))
      response.on('end', () => {
        resolve({ status: response.statusCode ?? 0, text })
      })
    })
    request.end(method === 'GET' ? '' : typeof body === 'string' ? body : JSON.stringify(body))
  })
}

test('events are judged and told before the answer; what is sent again is not told again', async () => {
  await using door = await listening()
  expect(await post(door.webhook)).toEqual({ status: 200, text: '' })
  expect(door.alerts).toMatchObject([
    {
      id: expect.stringMatching(/^[0-9a-f]{32}$/),
      rule: 'Secret read',
      source: 'k8s_audit',
      time: '2026-11-21T10:13:07.001002000Z',
      output: 'alice read prod/db',
      process: null,
      place: null,
      request: { user: 'alice', verb: 'get', sourceIps: ['192.0.2.7'], impersonated: null },
      object: { apiGroup: '', apiVersion: 'v1', resource: 'secrets', namespace: 'prod', name: 'db', uid: null },
    },
  ]) // prettier-ignore
  expect(await post(door.webhook)).toMatchObject({ status: 200 })
  expect(await post(door.webhook, { body: [secretRead, [list]] })).toMatchObject({ status: 200 })
  expect(door.alerts).toHaveLength(1)
  expect(door.pipeline.repeated).toBe(3)
  const later = { ...secretRead, auditID: 'another' }
  expect(await post(door.webhook, { body: later })).toMatchObject({ status: 200 })
  expect(door.alerts).toHaveLength(2)
})

test('while alerts cannot be kept the API server is asked to come again, and nothing is lost', async () => {
  await using door = await listening()
  door.judged.isKept = false
  expect(await post(door.webhook)).toMatchObject({ status: 503 })
  expect(await post(door.webhook)).toMatchObject({ status: 503 })
  door.judged.isKept = true
  expect(await post(door.webhook)).toMatchObject({ status: 200 })
  expect(new Set(door.alerts.map(({ id }) => id)).size).toBe(1)
  expect(door.alerts).toHaveLength(3)
})

const bearer = (token: string) => ({ headers: { authorization: `Bearer ${token}` } })

test('only who brings a token may post, and a rotated token counts at once', async () => {
  writeFileSync(file('tokens'), 'one\n')
  await using door = await listening({ tokenFile: file('tokens') })
  expect(await post(door.webhook)).toMatchObject({ status: 401 })
  expect(await post(door.webhook, bearer('on'))).toMatchObject({ status: 401 })
  expect(await post(door.webhook, bearer('one'))).toMatchObject({ status: 200 })
  writeFileSync(file('tokens'), 'two\nthree\n')
  expect(await post(door.webhook, bearer('one'))).toMatchObject({ status: 401 })
  expect(await post(door.webhook, bearer('three'))).toMatchObject({ status: 200 })
  writeFileSync(file('tokens'), '\n')
  expect(await post(door.webhook, bearer('two'))).toMatchObject({ status: 503 })
  expect(door.alerts).toHaveLength(1)
})

test('what does not fit is refused with the reason', async () => {
  await using door = await listening()
  const answers = {
    'another path': await post(door.webhook, { path: '/' }),
    'another method': await post(door.webhook, { method: 'GET' }),
    'another type': await post(door.webhook, { headers: { 'content-type': 'text/plain' } }),
    'packed': await post(door.webhook, { headers: { 'content-encoding': 'gzip' } }),
    'too large': await post(door.webhook, { body: 'x'.repeat(100_001) }),
    'no JSON': await post(door.webhook, { body: '{' }),
    'no event': await post(door.webhook, { body: { kind: 'Pod' } }),
    'too deep': await post(door.webhook, { body: `${'['.repeat(5000)}${']'.repeat(5000)}` }),
    'health': await post(door.webhook, { method: 'GET', path: '/healthz' }),
  } // prettier-ignore
  expect(Object.values(answers).map(({ status }) => status)).toEqual([
    404, 405, 415, 415, 413, 400, 400, 400, 200,
  ])
  expect(answers['no event'].text).toBe('data not recognized as a k8s audit event\n')
  const large = { ...secretRead, requestObject: { data: 'x'.repeat(10_000) } }
  expect(await post(door.webhook, { body: [large, secretRead] })).toMatchObject({ status: 200 })
  expect(door.refused.at(-1)).toMatch(/maxEventSize/)
  expect(door.alerts).toHaveLength(1)
})

test('a client that dawdles is cut off, and no more are served at once than allowed', async () => {
  await using door = await listening({ requestTimeoutMs: 1000, maxConcurrent: 1 })
  const head =
    'POST /k8s-audit HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{'
  const slow = connect(door.webhook.port, '127.0.0.1')
  slow.write(head)
  let answer = await post(door.webhook)
  while (answer.status === 200) answer = await post(door.webhook)
  expect(answer).toEqual({ status: 503, text: 'too many requests at once\n' })
  const heard = await new Promise<string>((resolve) => {
    let text = ''
    slow.setEncoding('utf8')
    slow.on('data', (part: string) => (text += part))
    slow.on('close', () => {
      resolve(text)
    })
    slow.on('error', () => undefined)
  })
  expect(heard).not.toContain('200 OK')
  while (answer.status === 503) answer = await post(door.webhook)
  expect(answer).toMatchObject({ status: 200 })
})

function openssl(...args: readonly string[]) {
  const { status, stderr } = spawnSync('openssl', args, { encoding: 'utf8' })
  if (status !== 0) throw new Error(stderr)
}

/** A CA and what it signed, PEM in the test's directory. */
function issue(ca: string, ...names: readonly string[]) {
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2']
  openssl(
    'req',
    '-x509',
    ...key,
    '-keyout',
    file(`${ca}.key`),
    '-out',
    file(`${ca}.crt`),
    '-subj',
    `/CN=${ca}`,
  )
  for (const name of names)
    openssl('req', '-x509', ...key, '-keyout', file(`${name}.key`), '-out', file(`${name}.crt`), '-subj', `/CN=${name}`,
      '-CA', file(`${ca}.crt`), '-CAkey', file(`${ca}.key`), '-addext', 'subjectAltName=DNS:localhost', '-addext', 'basicConstraints=critical,CA:FALSE') // prettier-ignore
}

needs('openssl')(
  'over TLS a client needs a certificate of the right authority and name; a renewed one of ours is taken',
  async () => {
    issue('ca', 'localhost', 'kube-apiserver', 'somebody')
    issue('other', 'stranger')
    writeFileSync(file('falco.pem'), readFileSync(file('localhost.key'), 'utf8') + readFileSync(file('localhost.crt'), 'utf8')) // prettier-ignore
    await using door = await listening({
      isTls: true,
      certificateFile: file('falco.pem'),
      keyFile: file('falco.pem'),
      clientCaFile: file('ca.crt'),
      clientNames: ['kube-apiserver'],
    })
    const trusting = { ca: readFileSync(file('ca.crt')) }
    const as = (name: string) => ({
      tls: {
        ...trusting,
        cert: readFileSync(file(`${name}.crt`)),
        key: readFileSync(file(`${name}.key`)),
      },
    })
    expect((await post(door.webhook, { tls: trusting })).status).toMatch(/^E|ERR_SSL/)
    expect((await post(door.webhook, as('stranger'))).status).toMatch(/^E|ERR_SSL/)
    expect(await post(door.webhook, as('somebody'))).toMatchObject({ status: 401 })
    expect(await post(door.webhook, as('kube-apiserver'))).toMatchObject({ status: 200 })
    expect(door.alerts).toHaveLength(1)

    const client = as('kube-apiserver').tls
    issue('next', 'localhost')
    writeFileSync(file('falco.pem'), readFileSync(file('localhost.key'), 'utf8') + readFileSync(file('localhost.crt'), 'utf8')) // prettier-ignore
    const renewed = { tls: { ...client, ca: readFileSync(file('next.crt')) } }
    await eventually(
      () => post(door.webhook, renewed),
      ({ status }) => status === 200,
    )
  },
  60_000,
)
