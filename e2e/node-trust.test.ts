/** Detector and responder as in a cluster: who they are, they learn from the API server alone. */
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from '@jest/globals'
import type { Heartbeat } from '../contract/verdict.ts'
import { ResponderCa } from '../detector/responder-ca.ts'
import { ResponderLink } from '../detector/responder-link.ts'
import { sampleAlert } from '../responder/policy/alert.sample.ts'
import { startSample, type Sample } from '../responder/start.sample.ts'
import { needs } from '../scripts/needs.ts'
import { startControlPlane, type ControlPlane } from './cluster/control-plane.ts'
import { eventually } from './support/eventually.ts'
import { kubeconfigWith, makePod, namespace, prepare, tokenOf } from './support/projected-tokens.ts'
import { share } from './support/shared.ts'

const test = needs('cluster', 'redis')
const configMap = `${namespace}/riposte-ca`

let controlPlane: ControlPlane
let sample: Sample
let directory: string
const links: ResponderLink[] = []

share(['cluster', 'redis'], async (stack) => {
  directory = mkdtempSync(join(tmpdir(), 'riposte-trust-'))
  stack.defer(() => rmSync(directory, { recursive: true }))
  controlPlane = stack.use(await startControlPlane())
  await prepare(controlPlane)
  await grant('responder', ['get', 'patch'])
  await grant('detector', ['get'])
  const token = await tokenOf(controlPlane.api, { account: 'responder', pod: null })
  sample = await startSample(
    {},
    {
      // Of its own, to be found there again after a restart.
      listen: `127.0.0.1:${await freePort()}`,
      kubernetes: { enabled: 'always', kubeconfig: kubeconfigWith(controlPlane, token) },
      nodes: { trust: 'tokenreview', serviceAccounts: ['riposte/detector'] },
      tls: { mode: 'own', caConfigMap: configMap },
    },
  )
  stack.use(sample)
  stack.defer(async () => void (await Promise.all(links.map((link) => link.stop(0)))))
})

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  return typeof address === 'object' && address !== null ? address.port : 0
}

/** On the ConfigMap, which the chart makes: nobody here may create one. */
async function grant(account: string, verbs: readonly string[]): Promise<void> {
  const metadata = { name: `ca-${account}`, namespace }
  const group = 'rbac.authorization.k8s.io'
  const [kind, name] = ['Role', `ca-${account}`]
  await controlPlane.apply(
    { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'riposte-ca', namespace } },
    {
      apiVersion: `${group}/v1`,
      kind,
      metadata,
      rules: [{ apiGroups: [''], resources: ['configmaps'], resourceNames: ['riposte-ca'], verbs }],
    },
    {
      apiVersion: `${group}/v1`,
      kind: 'RoleBinding',
      metadata,
      roleRef: { apiGroup: group, kind, name },
      subjects: [{ kind: 'ServiceAccount', name: account, namespace }],
    },
  )
}

/** The detector's side of the link, in a pod on `node` with the service account `account`. */
async function linkFrom(name: string, node: string, account = 'detector'): Promise<ResponderLink> {
  const { api, kubeconfig } = controlPlane
  const uid = await makePod(api, name, { node: 'node-a', serviceAccount: account })
  const mount = join(directory, name)
  mkdirSync(mount)
  writeFileSync(join(mount, 'ca.crt'), kubeconfig.ca)
  writeFileSync(join(mount, 'token'), await tokenOf(api, { account, pod: { name, uid } }))
  const projected = await tokenOf(api, { account, audience: 'riposte', pod: { name, uid } })
  const link = await ResponderLink.open({
    endpoint: {
      url: sample.responder.url,
      keepAlive: true,
      isInsecure: false,
      ca: new ResponderCa({
        configMap,
        api: { server: kubeconfig.server, directory: mount },
        random: () => 0,
      }),
    },
    node,
    token: () => projected,
    spool: { directory: join(mount, 'spool'), maxBytes: 1 << 20, syncMs: 0 },
    random: () => 0,
    heartbeat: () => heartbeatOf(node),
    execute: () => Promise.reject(new Error('nothing is ordered here')),
    onOrders: () => undefined,
  })
  links.push(link)
  link.start()
  return link
}

const heartbeatOf = (node: string): Heartbeat => ({
  node,
  bootId: 'boot-1',
  version: '0',
  startedMs: 0,
  sentMs: 0,
  isReady: true,
  rules: { loaded: 0, enabled: 0, sha256: '' },
  events: { judged: 0, lost: {} },
  scope: 'host',
  degraded: [],
  strikes: { generation: '', active: [], unavailable: [] },
  residentBytes: 0,
})

const problemOf = (link: ResponderLink, pattern: RegExp) =>
  eventually(
    () => Promise.resolve(link.status.problem ?? ''),
    (problem) => pattern.test(problem),
  )

test('a detector finds the CA in the ConfigMap, is believed by its token, and its alert arrives', async () => {
  const link = await linkFrom('detector-a', 'node-a')
  link.alert(sampleAlert())
  await eventually(
    () => Promise.resolve(link.status),
    ({ written }) => written === 1,
  )
  const { body } = await sample.call('GET', '/v1/alerts')
  expect(body.alerts).toHaveLength(1)
})

test('a new CA is found when the old one is not believed any more, and nothing is lost', async () => {
  const link = await linkFrom('detector-b', 'node-a')
  link.alert(sampleAlert({ id: 'b'.repeat(32) }))
  await eventually(
    () => Promise.resolve(link.status),
    ({ written }) => written === 1,
  )
  rmSync(join(sample.directory, 'data/tls'), { recursive: true })
  await sample.restart()
  link.alert(sampleAlert({ id: 'c'.repeat(32) }))
  await eventually(
    () => Promise.resolve(link.status),
    ({ written }) => written === 2,
    60_000,
  )
  expect(link.status).toMatchObject({ dropped: 0 })
})

test('a detector that names another node, and one that may not read the CA, say so and send nothing', async () => {
  const forger = await linkFrom('detector-c', 'node-b')
  expect(await problemOf(forger, /other_node/)).toMatch(/403/)
  const stranger = await linkFrom('stranger', 'node-a', 'other')
  expect(await problemOf(stranger, /needs get on it/)).toMatch(`ConfigMap ${configMap}`)
  const { body: metrics } = await sample.call('GET', '/metrics')
  expect(metrics).toMatch(/riposte_node_refusals_total\{code="other_node"\} [1-9]/)
  expect([forger.status.written, stranger.status.written]).toEqual([0, 0])
})
