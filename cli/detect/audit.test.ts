import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, request as httpRequest } from 'node:http'
import { createServer as createNetServer } from 'node:net'
import { once } from 'node:events'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from '@jest/globals'
import { type Alert, alertBatchSchema } from '../../contract/alert.ts'
import { nodeRoutes } from '../../contract/verdict.ts'
import { auditEvent } from '../../detector/audit/testing.ts'
import { Riposte } from '../riposte.sample.ts'

let directory = ''
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'detect-audit-'))
})
afterEach(() => rmSync(directory, { recursive: true }))

function write(name: string, text: string): string {
  const path = join(directory, name)
  writeFileSync(path, text)
  return path
}

const NOBODY = 65_534

const rules = `
- rule: Pod deleted
  desc: d
  condition: ka.verb = delete and ka.target.resource = pods
  output: "%ka.user.name deleted %ka.target.name"
  priority: INFO
  source: k8s_audit
- rule: Open
  desc: of another source, so it is checked and does not run
  condition: evt.type = open and fd.name = /x
  output: o
  priority: INFO
`

test('detect --disable-source syscall reads a file of audit events to its end, without a privilege, and counts as Falco does', async () => {
  const events = [1, 2, 2].map((id) =>
    auditEvent({
      auditID: String(id),
      verb: 'delete',
      objectRef: { resource: 'pods', name: `p${id}` },
    }),
  )
  const log = write('audit.jsonl', events.map((event) => JSON.stringify(event)).join('\n'))
  const plugins = [{ name: 'k8saudit', library_path: 'x.so', open_params: log }, { name: 'json' }]
  const config = write(
    'falco.yaml',
    JSON.stringify({ plugins, load_plugins: ['k8saudit', 'json'] }),
  )
  const argv = ['detect', '-c', config, '-r', write('r.yaml', rules), '--data', directory]

  chmodSync(directory, 0o755)
  const flags = ['--disable-source', 'syscall', '-o', 'json_output=true']
  await using audit = new Riposte(
    [...argv, ...flags],
    process.geteuid?.() === 0 ? { uid: NOBODY } : {},
  )
  expect(await audit.end()).toBe(0)
  const lines = audit.stdout.trim().split('\n')
  expect(lines.slice(0, 2).map((line) => JSON.parse(line))).toMatchObject([
    { rule: 'Pod deleted', source: 'k8s_audit', output_fields: { 'ka.target.name': 'p1' } },
    { rule: 'Pod deleted', source: 'k8s_audit', output_fields: { 'ka.target.name': 'p2' } },
  ])
  expect(lines.slice(2)).toEqual([
    'Events detected: 2',
    'Rule counts by severity:',
    '   INFO: 2',
    'Triggered rules by rule name:',
    '   Pod deleted: 2',
  ])

  await using both = new Riposte(argv)
  expect(await both.end()).toBe(1)
  expect(both.stderr).toContain('start one with --disable-source syscall')
}, 60_000)

async function freePort(): Promise<number> {
  const server = createNetServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  return typeof address === 'object' ? (address?.port ?? 0) : 0
}

async function post(port: number, event: object): Promise<number | undefined> {
  const headers = { 'content-type': 'application/json' }
  const request = httpRequest({
    host: '127.0.0.1',
    port,
    path: '/k8s-audit',
    method: 'POST',
    headers,
  })
  request.end(JSON.stringify(event))
  const [response] = await once(request, 'response')
  response.resume()
  return response.statusCode
}

/** A responder that keeps what it is sent, once it is there. */
async function respondAt(path: string) {
  const alerts: Alert[] = []
  const server = createServer((request, response) => {
    let text = ''
    request.setEncoding('utf8').on('data', (part: string) => (text += part))
    request.on('end', () => {
      if (request.url === nodeRoutes.alerts)
        alerts.push(...alertBatchSchema.parse(JSON.parse(text)).alerts)
      response.writeHead(request.method === 'POST' ? 204 : 503).end()
    })
  }).listen(path)
  await once(server, 'listening')
  return {
    alerts,
    [Symbol.dispose]: () => {
      server.closeAllConnections()
      server.close()
    },
  }
}

test('what was answered with 200 reaches the responder, though it was away and the detector was killed', async () => {
  const port = await freePort()
  const socket = join(directory, 'responder.sock')
  const config = {
    plugins: [{ name: 'k8saudit', open_params: `http://127.0.0.1:${port}/k8s-audit` }],
    stdout_output: { enabled: false },
    riposte: { data: directory, responder: { url: `unix:${socket}` } },
  }
  const argv = ['detect', '-c', write('falco.yaml', JSON.stringify(config)), '-r', write('r.yaml', rules), '--enable-source', 'k8s_audit'] // prettier-ignore
  {
    await using first = new Riposte(argv)
    await first.until(() => first.stderr.includes('ready'))
    const event = auditEvent({
      verb: 'delete',
      objectRef: { resource: 'pods', namespace: 'shop', name: 'cart', apiVersion: 'v1', uid: 'u' },
    })
    expect(await post(port, event)).toBe(200)
    await first.end('SIGKILL')
  }
  using responder = await respondAt(socket)
  await using second = new Riposte(argv)
  await second.until(() => responder.alerts.length > 0)
  expect(responder.alerts).toMatchObject([
    {
      rule: 'Pod deleted',
      source: 'k8s_audit',
      process: null,
      place: null,
      request: { user: 'alice', groups: ['system:authenticated'], verb: 'delete' },
      object: { resource: 'pods', namespace: 'shop', name: 'cart', uid: 'u' },
    },
  ])
}, 60_000)
