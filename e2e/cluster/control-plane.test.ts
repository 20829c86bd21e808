/** etcd and the API server alone: what tests of actions and RBAC stand on. */
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect } from '@jest/globals'
import { needs } from '../../scripts/needs.ts'
import { eventually } from '../support/eventually.ts'
import type { Manifest } from './api.ts'
import { type ControlPlane, startControlPlane } from './control-plane.ts'
import { share } from '../support/shared.ts'

const test = needs('cluster')

let cluster: ControlPlane

share(['cluster'], async (stack) => {
  cluster = stack.use(await startControlPlane())
})

const configMap = (name: string, data: Record<string, string> = {}): Manifest => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, namespace: 'default' },
  data,
})

test('what is applied is found, and changed by the next apply', async () => {
  await cluster.apply(configMap('first', { key: 'one' }))
  await cluster.apply(configMap('first', { key: 'two' }))

  const found = await cluster.waitFor<Manifest>(
    '/api/v1/namespaces/default/configmaps/first',
    Boolean,
  )

  expect(found).toMatchObject({ data: { key: 'two' } })
})

test('a deletion with a body leaves its connection fit for the next request', async () => {
  const path = '/api/v1/namespaces/default/configmaps/short-lived'
  await cluster.apply(configMap('short-lived'))
  const options = { apiVersion: 'v1', kind: 'DeleteOptions', gracePeriodSeconds: 0 }

  await cluster.api.request('DELETE', path, options)

  expect(await cluster.api.find(path)).toBeUndefined()
})

test('the API server says its version and checks fields strictly', async () => {
  expect(JSON.parse(await cluster.kubectl(['version', '-o', 'json']))).toMatchObject({
    serverVersion: { gitVersion: 'v1.36.3' },
  })
  const misspelt = JSON.stringify({ ...configMap('misspelt'), dta: {} })
  const apply = ['apply', '--dry-run=server', '--validate=strict', '-f', '-']

  await expect(cluster.kubectl(apply, { input: misspelt })).rejects.toThrow(/unknown field "dta"/)
})

test('RBAC refuses a service account what no role gives it', async () => {
  await cluster.apply({
    apiVersion: 'v1',
    kind: 'ServiceAccount',
    metadata: { name: 'nobody', namespace: 'default' },
  })
  const asNobody = ['--as', 'system:serviceaccount:default:nobody', 'get', 'pods']

  await expect(cluster.kubectl(asNobody)).rejects.toThrow(/forbidden/i)
})

test('a service account token is known to TokenReview', async () => {
  await cluster.apply({
    apiVersion: 'v1',
    kind: 'ServiceAccount',
    metadata: { name: 'somebody', namespace: 'default' },
  })
  const token = (await cluster.kubectl(['create', 'token', 'somebody'])).trim()

  const review = await cluster.api.request('POST', '/apis/authentication.k8s.io/v1/tokenreviews', {
    apiVersion: 'authentication.k8s.io/v1',
    kind: 'TokenReview',
    spec: { token },
  })

  expect(review).toMatchObject({
    status: { authenticated: true, user: { username: 'system:serviceaccount:default:somebody' } },
  })
})

test('requests stand in the audit log and come to a webhook, whose address may be set later', async () => {
  let received = ''
  const sink = createServer((request, response) => {
    request.setEncoding('utf8').on('data', (text: string) => (received += text))
    request.on('end', () => response.end())
  }).listen(0, cluster.hostAddress)
  await once(sink, 'listening')
  try {
    const { port } = sink.address() as AddressInfo
    await cluster.setAuditWebhook({ url: `http://${cluster.hostAddress}:${port}/audit` })
    await cluster.apply(configMap('audited'))

    await eventually(
      async () => received,
      (text) => text.includes('"name":"audited"'),
    )
    expect(await readFile(cluster.auditLogPath, 'utf8')).toContain('"name":"audited"')
  } finally {
    await cluster.setAuditWebhook()
    sink.close()
  }
})
