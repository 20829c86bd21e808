import { once } from 'node:events'
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { request, type RequestOptions } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect, type TLSSocket } from 'node:tls'
import { afterEach, beforeEach, expect, test } from '@jest/globals'
import { nodeHeader, nodeRoutes } from '../../contract/verdict.ts'
import { readSecret } from '../http/secret-file.ts'
import { SampleNode, startSample, until, type Sample } from '../start.sample.ts'
import { issueAuthority, issueServer } from './certificate.ts'

const hour = 3_600_000
const lifetime = () => ({ fromMs: Date.now() - hour, toMs: Date.now() + 30 * 24 * hour })

let directory: string
let sample: Sample | undefined
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'riposte-tls-'))
})
afterEach(async () => {
  await sample?.[Symbol.asyncDispose]()
  sample = undefined
  rmSync(directory, { recursive: true })
})

async function start(settings: Record<string, unknown>): Promise<Sample> {
  sample = await startSample({}, settings)
  return sample
}

async function send(url: string, options: RequestOptions, body?: object) {
  const asked = request(url, { ...options, agent: false })
  asked.end(body === undefined ? undefined : JSON.stringify(body))
  const [answer] = await once(asked, 'response')
  let text = ''
  for await (const chunk of answer) text += String(chunk)
  return { status: Number(answer.statusCode), headers: answer.headers, text }
}

const ownCa = ({ directory: home }: Sample) => {
  const [file = ''] = readdirSync(join(home, 'data/tls'))
  return readFileSync(join(home, 'data/tls', file), 'utf8').replace(/^[^]*END PRIVATE KEY-+\n/, '')
}

test('with a CA of its own the door speaks TLS under every name it was given', async () => {
  const names = ['riposte.riposte.svc', '10.1.2.3']
  const { responder, ...rest } = await start({ tls: { mode: 'own', names } })
  const ca = ownCa({ responder, ...rest })
  expect(responder.url).toMatch(/^https:/)
  for (const servername of ['riposte.riposte.svc', 'localhost'])
    expect((await send(`${responder.url}/`, { ca, servername })).status).toBe(200)
  await expect(send(`${responder.url}/`, { ca, servername: 'other' })).rejects.toMatchObject({
    code: 'ERR_TLS_CERT_ALTNAME_INVALID',
  })
  await expect(send(`${responder.url}/`, {})).rejects.toThrow(/certificate|self.signed/)
  const local = { ca, servername: 'localhost' }
  const page = await send(`${responder.url}/`, {
    ca,
    headers: { host: 'riposte.riposte.svc:2810' },
  })
  expect(page.headers['strict-transport-security']).toBe('max-age=31536000')
  expect(
    (await send(`${responder.url}/`, { ...local, headers: { host: 'evil.example' } })).status,
  ).toBe(421)
  const probe = { ...local, headers: { host: '10.9.9.9:2810' } }
  expect((await send(`${responder.url}/healthz`, probe)).status).toBe(200)
})

test('over TLS the cookie is sent over TLS alone', async () => {
  const { responder, call, ...rest } = await start({ tls: { mode: 'own' } })
  const { body } = await call('POST', '/v1/login-codes', {})
  const headers = { 'sec-fetch-site': 'same-origin', 'content-type': 'application/json' }
  const options = { ca: ownCa({ responder, call, ...rest }), method: 'POST', headers }
  const code = new URL(body.url).hash.slice(1)
  const { headers: answered } = await send(`${responder.url}/v1/session`, options, { code })
  expect(String(answered['set-cookie'])).toMatch('; Secure')
})

/** As the kubelet mounts a Secret: the files are links into a directory that is swapped as a whole. */
function mount(version: string, files: Readonly<Record<string, string>>): void {
  mkdirSync(join(directory, version))
  for (const [name, text] of Object.entries(files))
    writeFileSync(join(directory, version, name), text)
  symlinkSync(version, join(directory, '..new'))
  renameSync(join(directory, '..new'), join(directory, '..data'))
  for (const name of Object.keys(files))
    if (!readdirSync(directory).includes(name)) symlinkSync(`..data/${name}`, join(directory, name))
}

const tlsFiles = () => ({
  mode: 'files',
  certificateFile: join(directory, 'tls.crt'),
  keyFile: join(directory, 'tls.key'),
})

const serialAt = async (url: string, ca: string) => {
  const socket = await connected(url, ca)
  const { serialNumber } = socket.getPeerCertificate()
  socket.destroy()
  return serialNumber
}

async function connected(url: string, ca: string): Promise<TLSSocket> {
  const { hostname, port } = new URL(url)
  const socket = connect({ host: hostname, port: Number(port), ca, servername: 'localhost' })
  await once(socket, 'secureConnect')
  return socket
}

test('a certificate that was replaced is used at once, and connections that stand go on', async () => {
  const ca = issueAuthority('test', lifetime())
  const issue = () => {
    const { certificate, key } = issueServer(['localhost'], lifetime(), ca.signer)
    return { 'tls.crt': certificate, 'tls.key': key }
  }
  mount('..1', issue())
  const { responder } = await start({ tls: tlsFiles() })
  const first = await serialAt(responder.url, ca.certificate)
  const standing = await connected(responder.url, ca.certificate)
  mount('..2', issue())
  await until(async () =>
    (await serialAt(responder.url, ca.certificate)) === first ? undefined : true,
  )
  standing.write('GET /healthz HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n')
  const [answer] = await once(standing, 'data')
  expect(String(answer)).toMatch(/^HTTP\/1\.1 200/)
  standing.destroy()
})

test('files that do not belong together leave the certificate before them in use, and show', async () => {
  const ca = issueAuthority('test', lifetime())
  const one = issueServer(['localhost'], lifetime(), ca.signer)
  const two = issueServer(['localhost'], lifetime(), ca.signer)
  mount('..1', { 'tls.crt': one.certificate, 'tls.key': one.key })
  const { responder } = await start({ tls: tlsFiles() })
  const first = await serialAt(responder.url, ca.certificate)
  mount('..2', { 'tls.crt': two.certificate, 'tls.key': one.key })
  await until(() => (responder.degraded().join().includes('do not belong') ? true : undefined))
  expect(await serialAt(responder.url, ca.certificate)).toBe(first)
})

test('a client certificate binds a node to its name', async () => {
  const ca = issueAuthority('nodes', lifetime())
  const clientCaFile = join(directory, 'nodes.pem')
  writeFileSync(clientCaFile, ca.certificate)
  const started = await start({ tls: { mode: 'own' }, nodes: { clientCaFile } })
  const { responder } = started
  const { certificate: cert, key } = issueServer(['node-a'], lifetime(), ca.signer, true)
  const stranger = issueServer(['node-a'], lifetime(), issueAuthority('x', lifetime()).signer, true)
  const say = async (node: string, credentials: { cert?: string; key?: string }) => {
    const headers = {
      authorization: `Bearer ${readSecret(responder.nodeTokenFile)}`,
      [nodeHeader]: node,
      'content-type': 'application/json',
    }
    const options = { ca: ownCa(started), method: 'POST', headers, ...credentials }
    return send(`${responder.url}${nodeRoutes.alerts}`, options, { alerts: [] })
  }
  expect((await say('node-a', { cert, key })).status).toBe(204)
  expect(await say('node-b', { cert, key })).toMatchObject({
    status: 403,
    text: expect.stringContaining('is for node-a, not for node-b'),
  })
  expect((await say('node-a', {})).status).toBe(401)
  expect((await say('node-a', { cert: stranger.certificate, key: stranger.key })).status).toBe(401)
  await using node = new SampleNode(started)
  expect(await node.alerts()).toBe(204)
  expect((await send(`${responder.url}/`, { ca: ownCa(started) })).status).toBe(200)
})
