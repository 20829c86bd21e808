import { statSync } from 'node:fs'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { request } from 'undici'
import { nodeHeader, nodeRoutes } from '../../contract/verdict.ts'
import { sampleAlert } from '../policy/alert.sample.ts'
import { callSocket, startSample, type Sample } from '../start.sample.ts'

let sample: Sample
beforeAll(async () => {
  sample = await startSample({})
})
afterAll(async () => {
  await sample[Symbol.asyncDispose]()
})

type Headers = Record<string, string>

async function send(
  method: 'GET' | 'POST' | 'DELETE',
  path: string,
  headers: Headers = {},
  body?: unknown,
) {
  const response = await request(`${sample.responder.url}${path}`, {
    method,
    headers: body === undefined ? headers : { 'content-type': 'application/json', ...headers },
    body: body === undefined ? null : JSON.stringify(body),
  })
  const text = await response.body.text()
  return { status: response.statusCode, headers: response.headers, text }
}

const sameOrigin = { 'sec-fetch-site': 'same-origin' }

const loginCode = async (): Promise<string> => {
  const { body } = await sample.call('POST', '/v1/login-codes', {})
  return new URL(body.url).hash.slice(1)
}

async function logIn(): Promise<Headers> {
  const { status, headers } = await send('POST', '/v1/session', sameOrigin, {
    code: await loginCode(),
  })
  expect(status).toBe(204)
  const [cookie = ''] = String(headers['set-cookie']).split(';')
  return { cookie }
}

test.each([
  ['GET', '/v1/alerts'],
  ['GET', '/v1/alerts/x'],
  ['GET', '/v1/cases'],
  ['GET', '/v1/approvals'],
  ['GET', '/v1/containments'],
  ['GET', '/v1/policies'],
  ['GET', '/v1/actions'],
  ['GET', '/v1/audit'],
  ['GET', '/v1/audit/export'],
  ['GET', '/v1/health'],
  ['GET', '/v1/nodes'],
  ['GET', '/metrics'],
  ['POST', '/v1/approvals/x/votes'],
  ['POST', '/v1/containments/x/undo'],
  ['POST', '/v1/policies/x/mode'],
  ['POST', '/v1/kill-switch'],
  ['POST', nodeRoutes.alerts],
  ['GET', nodeRoutes.orders],
] as const)('%s %s answers nobody who is not logged in', async (method, path) => {
  const { status, text } = await send(method, path, sameOrigin, method === 'POST' ? {} : undefined)
  expect(status).toBe(401)
  expect(text).not.toMatch('alerts":[')
})

test('a login code cannot be had by TCP', async () => {
  expect(
    (await send('POST', '/v1/login-codes', { authorization: `Bearer ${sample.apiToken}` }, {}))
      .status,
  ).toBe(404)
})

test('health says one word to everybody, and nothing of what is wrong', async () => {
  const { status, text } = await send('GET', '/healthz')
  expect([status, text]).toEqual([200, '{"status":"ok"}'])
})

test('the page is served under a policy that runs no script but ours', async () => {
  const { status, headers } = await send('GET', '/')
  expect(status).toBe(200)
  expect(headers['content-security-policy']).toMatch("default-src 'none';script-src 'self'")
  expect(headers['content-security-policy']).not.toMatch('unsafe')
  expect(headers['x-frame-options']).toBe('SAMEORIGIN')
})

test('a one-time code opens one session, whose cookie no script reads and no other site sends', async () => {
  const code = await loginCode()
  const first = await send('POST', '/v1/session', sameOrigin, { code })
  expect(first.status).toBe(204)
  expect(first.headers['set-cookie']).toMatch(/; Path=\/; HttpOnly; SameSite=Strict$/)
  expect((await send('POST', '/v1/session', sameOrigin, { code })).status).toBe(401)
  const [cookie = ''] = String(first.headers['set-cookie']).split(';')
  expect((await send('GET', '/v1/health', { cookie })).status).toBe(200)
  expect((await send('DELETE', '/v1/session', { cookie, ...sameOrigin })).status).toBe(204)
  expect((await send('GET', '/v1/health', { cookie })).status).toBe(401)
})

test("another site's page cannot make a logged-in browser act", async () => {
  const cookie = await logIn()
  const act = (headers: Headers) =>
    send('POST', '/v1/kill-switch', { ...cookie, ...headers }, { isOn: false })
  expect((await act({ 'sec-fetch-site': 'cross-site' })).status).toBe(403)
  expect((await act({ 'sec-fetch-site': 'same-site' })).status).toBe(403)
  expect((await act({ origin: 'http://evil.example' })).status).toBe(403)
  expect((await act({})).status).toBe(403)
  expect((await act({ ...sameOrigin, 'content-type': 'text/plain' })).status).toBe(415)
  expect(
    (await act({ ...sameOrigin, 'content-type': 'application/x-www-form-urlencoded' })).status,
  ).toBe(415)
  expect((await act({ origin: sample.responder.url })).status).toBe(200)
  expect((await act(sameOrigin)).status).toBe(200)
})

test('a name that was rebound to this address is refused, but for what no page can use', async () => {
  const host = 'evil.example:2810'
  for (const path of ['/', '/login', '/v1/alerts'])
    expect((await send('GET', path, { host })).status).toBe(421)
  expect((await send('GET', '/healthz', { host })).status).toBe(200)
  expect((await send('GET', '/metrics', { host })).status).toBe(401)
  expect((await send('GET', nodeRoutes.orders, { host })).status).toBe(401)
})

test('a forwarded port is any port of a name that is ours', async () => {
  const cookie = await logIn()
  const host = 'localhost:18443'
  const act = (origin: string) =>
    send('POST', '/v1/kill-switch', { ...cookie, host, origin }, { isOn: false })
  expect((await act('http://localhost:18443')).status).toBe(200)
  expect((await act('http://localhost:9999')).status).toBe(403)
})

test('a bearer token opens the API to scripts, a wrong one does not', async () => {
  const authorization = `Bearer ${sample.apiToken}`
  expect((await send('GET', '/metrics', { authorization })).text).toMatch(/^riposte_nodes \d/m)
  expect((await send('GET', '/metrics', { authorization: `${authorization}x` })).status).toBe(401)
  expect((await send('GET', '/metrics', { authorization: 'Basic YWRtaW46YWRtaW4=' })).status).toBe(
    401,
  )
})

test('a node needs its token, a name, and may not send more than a batch', async () => {
  const path = nodeRoutes.alerts
  const post = (headers: Headers, body: unknown) =>
    callSocket(sample.responder.socketPath, 'POST', path, body, headers)
  const { readSecret } = await import('./secret-file.ts')
  const authorization = `Bearer ${readSecret(sample.responder.nodeTokenFile)}`
  expect((await post({ [nodeHeader]: 'node-a' }, { alerts: [] })).status).toBe(401)
  expect(
    (
      await post(
        { authorization: `Bearer ${sample.apiToken}`, [nodeHeader]: 'node-a' },
        { alerts: [] },
      )
    ).status,
  ).toBe(401)
  expect((await post({ authorization }, { alerts: [] })).status).toBe(400)
  const node = { authorization, [nodeHeader]: 'node-a' }
  expect((await post(node, { alerts: [] })).status).toBe(204)
  expect((await post(node, { alerts: [{ ...sampleAlert(), extra: 1 }] })).status).toBe(400)
  expect(
    (await post(node, { alerts: Array.from({ length: 1001 }, () => sampleAlert()) })).status,
  ).toBe(400)
  expect(
    (await post(node, { alerts: [sampleAlert({ output: 'x'.repeat(5 << 20) })] })).status,
  ).toBe(413)
})

test('socket and secrets are for their owner alone', () => {
  const { socketPath, nodeTokenFile } = sample.responder
  expect([socketPath, nodeTokenFile].map((path) => statSync(path).mode & 0o777)).toEqual([
    0o600, 0o600,
  ])
})

test('an unknown id, a wrong body and an unknown route answer with what is wrong', async () => {
  expect((await sample.call('GET', '/v1/alerts/nope')).body.error.message).toBe(
    'there is no alert nope',
  )
  expect(
    (await sample.call('POST', '/v1/policies/rule-action/mode', { mode: 'audit' })).body.error
      .message,
  ).toBe('unknown policy "rule-action"; did you mean rule-actions?')
  expect((await sample.call('POST', '/v1/kill-switch', { on: true })).status).toBe(400)
  expect((await sample.call('GET', '/v1/nothing')).status).toBe(404)
})

test('guessing codes is slowed down', async () => {
  const statuses: number[] = []
  for (let attempt = 0; attempt < 12; attempt++)
    statuses.push((await send('POST', '/v1/session', sameOrigin, { code: 'x'.repeat(43) })).status)
  expect(statuses.at(-1)).toBe(429)
})
