/**
 * The chart in its second form: several responders on PostgreSQL, a Redis with a volume, a detector of Kubernetes audit.
 * Whatever dies meanwhile, each attack is answered once. The tests go on from each other.
 */
import { request } from 'node:https'
import { expect, jest } from '@jest/globals'
import { openLedger, type Ledger } from '../responder/ledger/open.ts'
import { needs } from '../scripts/needs.ts'
import { type Cluster, startCluster } from './cluster/cluster.ts'
import { chart, importProduct, releaseArguments } from './cluster/install.ts'
import type { Pod } from './cluster/pods.ts'
import { findPostgres, startPostgres } from './postgres.ts'
import { eventually } from './support/eventually.ts'
import { capturingOwner, endsOf, outcomeOf, podsPatchedIn, programOf } from './support/answers.ts'
import { allObjects } from './support/all-objects.ts'
import { startMiner } from './support/miner.ts'
import { Release } from './support/release.ts'
import {
  installMonitoringKinds,
  makeSecrets,
  makeVolumes,
  scaledValues,
} from './support/scaled-form.ts'
import { share } from './support/shared.ts'

const wants = ['full', 'cluster', 'ebpf', 'openssl', 'postgresql'] as const
const test = needs(...wants)
const patienceMs = 180_000
jest.setTimeout(300_000)

const apiToken = 'a-token-for-this-test-alone'
let cluster: Cluster
let release: Release
let ledger: Ledger
let before: ReadonlySet<string>
let webhook: Awaited<ReturnType<typeof makeSecrets>>
let values: ReturnType<typeof scaledValues>

share(wants, async (stack) => {
  cluster = stack.use(
    await startCluster({ say: (line) => process.stderr.write(`cluster: ${line}\n`) }),
  )
  const found = findPostgres()
  if ('missing' in found) throw new Error(found.missing)
  const postgres = stack.use(await startPostgres(found.binaries, cluster.hostAddress))
  const url = await postgres.createDatabase()
  ledger = stack.use(await openLedger({ url }))
  const auditAddress = auditAddressOf(await kubernetesAddress())
  await Promise.all([importProduct(cluster), installMonitoringKinds(cluster), makeVolumes(cluster)])
  await cluster.makeNamespace('riposte')
  await cluster.makeNamespace('shop')
  webhook = await makeSecrets(cluster, { ledger: url, apiToken, auditAddress })
  values = scaledValues(cluster, { port: Number(new URL(url).port), auditAddress })
  before = await allObjects(cluster)
  release = new Release(cluster)
})

const kubernetesAddress = async () =>
  (
    await cluster.api.get<{ spec: { clusterIP: string } }>(
      '/api/v1/namespaces/default/services/kubernetes',
    )
  ).spec.clusterIP
const auditAddressOf = (first: string) => first.replace(/\d+$/, '40')

const podsOf = async (component: string): Promise<readonly Pod[]> =>
  (
    await cluster.api.get<{ items: readonly Pod[] }>(
      `/api/v1/namespaces/riposte/pods?labelSelector=app.kubernetes.io%2Fcomponent%3D${component}`,
    )
  ).items

const inPod = (name: string, ...argv: readonly string[]) =>
  cluster.kubectl(['exec', '-nriposte', name, '--', 'riposte', ...argv])

let pods = 0
/** As many on each node. */
const victims = (count: number): Promise<Pod[]> =>
  Promise.all(
    Array.from({ length: count }, (_, index) =>
      cluster.runPod({ name: `v${pods++}`, namespace: 'shop', node: `n${(index % 2) + 1}` }),
    ),
  )

const attack = (pod: Pod) => startMiner(cluster, pod)

const helm = (verb: 'install' | 'upgrade', chosen: object) => {
  const release4 = [verb, 'riposte', chart, ...releaseArguments(chosen)]
  return cluster.helm([...release4, '--wait', '--timeout=4m'])
}

/** Of each pod both steps, each of them done, and each effect on the world only once. */
async function expectAnsweredOnce(targets: readonly Pod[]): Promise<void> {
  const uids = targets.map(({ metadata }) => metadata.uid).toSorted()
  expect(await endsOf(ledger, 'mark-and-keep', targets, 2 * targets.length)).toEqual(
    uids.flatMap((uid) => [`${uid} capture_pod done`, `${uid} label_pod done`]),
  )
  const names = new Set(targets.map(({ metadata }) => metadata.name))
  const patched = await podsPatchedIn('shop', cluster.auditLogPath)
  expect(patched.filter((name) => names.has(name)).toSorted()).toEqual([...names].toSorted())
}

test('helm installs two responders, Redis, the audit detector, and the objects of other operators', async () => {
  await helm('install', values)
  const responders = await podsOf('responder')
  expect(responders.map(({ spec }) => String(spec.nodeName)).toSorted()).toEqual(['n1', 'n2'])
  expect(responders.flatMap(({ status }) => status.containerStatuses?.map((each) => each.restartCount))).toEqual([0, 0]) // prettier-ignore
  const kinds = 'ingress,servicemonitor,prometheusrule,pvc'
  const there = await cluster.kubectl(['get', kinds, '-nriposte', '-oname'])
  expect(there.trim().split('\n').toSorted()).toEqual([
    'ingress.networking.k8s.io/riposte-responder',
    'persistentvolumeclaim/data-riposte-redis-0',
    'persistentvolumeclaim/riposte-responder',
    'prometheusrule.monitoring.coreos.com/riposte-responder',
    'servicemonitor.monitoring.coreos.com/riposte-responder',
  ])
})

test('each of the responders knows both nodes, wherever they speak', async () => {
  for (const { metadata } of await podsOf('responder')) {
    const status = await eventually(
      // Its exit code says that something is degraded, which on a busy machine may well be.
      () => inPod(metadata.name, 'status', '-ojson').catch(String),
      (said) => said.includes('"node": "n1"') && said.includes('"node": "n2"'),
      patienceMs,
    )
    expect(status).not.toContain('was last heard')
  }
})

test('an attack on either node is answered once', async () => {
  const targets = await victims(4)
  await Promise.all(targets.map(attack))
  await expectAnsweredOnce(targets)
})

test('the responder that acts is killed, and each attack is still answered once', async () => {
  const targets = await victims(6)
  const programs = (await podsOf('responder')).map(programOf)
  const flowing = Promise.all(targets.map(attack))
  const owner = await capturingOwner(ledger)
  const acting = programs.find(({ namespace }) => owner.includes(namespace))
  expect(acting).toBeDefined()
  process.kill(acting?.pid ?? 0, 'SIGKILL')
  await flowing
  await expectAnsweredOnce(targets)
  const restarts = (await podsOf('responder')).map(({ status }) => status.containerStatuses?.[0]?.restartCount ?? 0) // prettier-ignore
  expect(restarts.toSorted((a, b) => a - b)).toEqual([0, 1])
})

const redis = (...argv: readonly string[]) =>
  cluster.kubectl(['exec', '-nriposte', 'riposte-redis-0', '--', 'redis-cli', ...argv])

test('Redis comes back with what it held, and attacks go on being answered', async () => {
  const epoch = await redis('get', '{riposte}:epoch')
  expect(epoch.trim()).toMatch(/^[0-9a-f-]{36}$/)
  const [pod] = await podsOf('redis')
  if (pod === undefined) throw new Error('no Redis')
  const targets = await victims(2)
  await cluster.kubectl(['delete', 'pod', '-nriposte', pod.metadata.name, '--wait=false'])
  await Promise.all(targets.map(attack))
  await cluster.waitFor<Pod>(
    '/api/v1/namespaces/riposte/pods/riposte-redis-0',
    (found) =>
      found?.metadata.uid !== pod.metadata.uid &&
      found?.status.conditions?.some((each) => each.type === 'Ready' && each.status === 'True') ===
        true,
    patienceMs,
  )
  expect(await redis('get', '{riposte}:epoch')).toBe(epoch)
  await expectAnsweredOnce(targets)
})

test('what is kept is read back whole, and verified, at any of the responders', async () => {
  const steps = await release.evidence()
  expect(steps).toHaveLength(12)
  for (const { metadata } of await podsOf('responder'))
    for (const { stepId } of steps.slice(0, 2))
      await inPod(metadata.name, 'evidence', 'verify', stepId)
})

const bearer = { authorization: `Bearer ${apiToken}` }

/** Status of what is asked of a responder at its pod's address. */
const ask = ({ status }: Pod, path: string, options: object = {}, body?: string) =>
  new Promise<number>((resolve, reject) => {
    const url = `https://${status.podIP}:2810${path}`
    request(url, { ...options, rejectUnauthorized: false }, (answer) => {
      answer.resume()
      resolve(answer.statusCode ?? 0)
    })
      .on('error', reject)
      .end(body)
  })

/** The guard wants two people for what destroys. */
async function bothApprove(id: string): Promise<void> {
  await release.riposte('approvals', 'approve', id, '--reason=nobody-asked')
  const headers = { ...bearer, 'content-type': 'application/json', host: 'localhost:2810' }
  const [pod] = await podsOf('responder')
  if (pod === undefined) throw new Error('no responder')
  const vote = JSON.stringify({ choice: 'approve', reason: 'nobody asked' })
  expect(await ask(pod, `/v1/approvals/${id}/votes`, { method: 'POST', headers }, vote)).toBe(200)
}

test('the API server posts what is asked of it to the audit detector, and a rule is answered', async () => {
  await cluster.setAuditWebhook(webhook)
  const bindings = '/apis/rbac.authorization.k8s.io/v1/clusterrolebindings'
  const bind = (name: string, role: string) =>
    cluster.kubectl(['create', 'clusterrolebinding', name, `--clusterrole=${role}`, '--user=mallory']) // prettier-ignore
  await bind('harmless', 'view')
  await bind('taken', 'cluster-admin')
  const [asked] = await eventually(
    () => release.approvals(),
    (all) => all.length > 0,
    patienceMs,
  )
  expect(asked).toMatchObject({ action: 'delete_resource', policy: 'no-new-admins' })
  await bothApprove(String(asked?.id))
  expect(await outcomeOf(ledger, 'no-new-admins')).toMatch(/"status":"done"/)
  expect(await cluster.api.find(`${bindings}/taken`)).toBeUndefined()
  expect(await cluster.api.find(`${bindings}/harmless`)).toBeDefined()
})

test('Prometheus gets in by the token that the ServiceMonitor names, and nobody without', async () => {
  for (const pod of await podsOf('responder')) {
    expect(await ask(pod, '/metrics', { headers: bearer })).toBe(200)
    expect(await ask(pod, '/metrics')).toBe(401)
  }
})

test('an upgrade to three responders loses no attack that comes meanwhile', async () => {
  const targets = await victims(4)
  const more = { ...values, responder: { ...values.responder, replicas: 3 } }
  const upgrade = helm('upgrade', more)
  await Promise.all(targets.map(attack))
  await upgrade
  await expectAnsweredOnce(targets)
  expect(await release.riposte('audit', 'verify')).toMatch(/\d+ records/)
})

test('helm uninstall leaves the volumes, their data and the folder on the nodes', async () => {
  await cluster.setAuditWebhook()
  // Not --wait: a claim goes after the last pod that has it, and helm 4 has ended with an error over that.
  await cluster.helm(['uninstall', 'riposte', '--namespace=riposte'])
  await eventually(
    async () =>
      [...(await allObjects(cluster))].filter(
        (each) => !before.has(each) && each.includes(' riposte'),
      ),
    (left) => left.length === 0,
    patienceMs,
  )
  const phases = await cluster.kubectl(['get', 'pv', '-ojsonpath={.items[*].status.phase}'])
  expect(phases).toBe('Released Released')
})
