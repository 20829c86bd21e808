/** The cluster itself: what every whole-system test on it takes for granted. */
import { existsSync } from 'node:fs'
import { copyFile, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, jest } from '@jest/globals'
import { needs } from '../../scripts/needs.ts'
import { eventually } from '../support/eventually.ts'
import { share } from '../support/shared.ts'
import type { Manifest } from './api.ts'
import { cgroupsOf } from './cgroups.ts'
import { type Cluster, startCluster } from './cluster.ts'
import { writeImage } from './image-archive.ts'
import { linksOf, netnsOf } from './network.ts'
import type { Pod } from './pods.ts'
import { recordOf } from './sweep.ts'

const test = needs('cluster')
jest.setTimeout(180_000)
const port = '8080'

let cluster: Cluster
let client: Pod
let server: Pod

share(['cluster'], async (stack) => {
  cluster = stack.use(
    await startCluster({ say: (line) => process.stderr.write(`cluster: ${line}\n`) }),
  )
  const command = ['httpd', '-f', '-v', '-p', port, '-h', '/etc']
  ;[client, server] = await Promise.all([
    cluster.runPod({ name: 'client', node: 'n1', command }),
    cluster.runPod({ name: 'server', node: 'n2', command, labels: { app: 'server' } }),
  ])
})

/** Its path in every hierarchy. */
async function cgroupsOfProcess(pid: number): Promise<Set<string>> {
  const lines = (await readFile(`/proc/${pid}/cgroup`, 'utf8')).trim().split('\n')
  return new Set(lines.map((line) => line.replace(/^.*?:.*?:/, '')))
}

const canReach = async (from: Pod, to: Pod): Promise<boolean> => {
  try {
    await cluster.exec(from, 'nc', '-w', '1', String(to.status.podIP), port, '-e', 'true')
    return true
  } catch {
    // nc's exit code is the answer.
    return false
  }
}

const denyAll: Manifest = {
  apiVersion: 'networking.k8s.io/v1',
  kind: 'NetworkPolicy',
  metadata: { name: 'deny-all', namespace: 'default' },
  spec: { podSelector: { matchLabels: { app: 'server' } }, policyTypes: ['Ingress', 'Egress'] },
}

test('two nodes are Ready, and a pod of each reaches the other by address and through a Service', async () => {
  expect(await cluster.kubectl(['get', 'nodes', '--no-headers'])).toMatch(
    /^n1 +Ready .*\nn2 +Ready /,
  )
  expect([client.spec.nodeName, server.spec.nodeName]).toEqual(['n1', 'n2'])
  expect(await canReach(client, server)).toBe(true)
  expect(await canReach(server, client)).toBe(true)

  await cluster.kubectl(['expose', 'pod', 'server', '--port=80', `--target-port=${port}`])
  await eventually(
    () => cluster.exec(client, 'sh', '-c', 'look-up server 2>&1 || true'),
    (found) => found.startsWith('10.'),
  )
  const fetched = await cluster.exec(client, 'wget', '-q', '-O', '-', 'http://server/group')

  expect(fetched).toMatch(/^root:x:0:/)
})

test("a Service's name resolves in a pod", async () => {
  const found = await cluster.exec(client, 'look-up', 'kube-dns.kube-system')

  expect(found.trim()).toBe(
    await cluster.kubectl([
      'get',
      'service',
      '-n',
      'kube-system',
      'kube-dns',
      '-o',
      'jsonpath={.spec.clusterIP}',
    ]),
  )
})

test('logs are read and programs run in a pod', async () => {
  await cluster.exec(client, 'wget', '-q', '-O', '-', `http://127.0.0.1:${port}/group`)

  expect(await cluster.exec(client, 'hostname')).toBe('client\n')
  await expect(cluster.exec(client, 'sh', '-c', 'echo no >&2; exit 3')).rejects.toThrow(/no/)
  await eventually(
    () => cluster.kubectl(['logs', 'client']),
    (log) => log.includes('127.0.0.1'),
  )
})

test("a pod's processes are below its node's control group, and so are kubelet and containerd", async () => {
  const [node] = cluster.nodes

  const own = await cluster.exec(client, 'cat', '/proc/self/cgroup')
  for (const line of own.trim().split('\n'))
    expect(line).toContain(`:${node.cgroupRoot}/kubepods/besteffort/pod${client.metadata.uid}/`)
  for (const pid of [node.pid, node.kubeletPid])
    expect(await cgroupsOfProcess(pid)).toEqual(new Set([`${node.cgroupRoot}/system`]))
})

test('a pod token names its node, and the API server can be asked with it', async () => {
  const token = '/var/run/secrets/kubernetes.io/serviceaccount/token'
  const spec = { token: await cluster.exec(client, 'cat', token) }

  const review = await cluster.api.request('POST', '/apis/authentication.k8s.io/v1/tokenreviews', {
    apiVersion: 'authentication.k8s.io/v1',
    kind: 'TokenReview',
    spec,
  })

  expect(review).toMatchObject({
    status: {
      authenticated: true,
      user: { extra: { 'authentication.kubernetes.io/node-name': ['n1'] } },
    },
  })
})

test('a NetworkPolicy that denies all cuts a pod both ways, new connections and those that are open, and gives it back when it goes', async () => {
  // An end of input would end busybox's nc.
  const stream = 'while date; do sleep 0.1; done'
  const listener = cluster
    .exec(server, 'sh', '-c', 'tail -f /dev/null | nc -l -p 9000 > /tmp/stream')
    .catch(() => '')
  // 2328 is 9000: busybox-static has no other way to ask.
  await eventually(
    () => cluster.exec(server, 'cat', '/proc/net/tcp', '/proc/net/tcp6'),
    (sockets) => sockets.includes(':2328 '),
  )
  const sender = cluster
    .exec(client, 'sh', '-c', `(${stream}) | nc ${server.status.podIP} 9000`)
    .catch(() => '')
  const received = async () => Number(await cluster.exec(server, 'stat', '-c', '%s', '/tmp/stream'))
  const some = await eventually(received, (size) => size > 0)
  await eventually(received, (size) => size > 3 * some)

  await cluster.apply(denyAll)

  await eventually(
    () => Promise.all([canReach(client, server), canReach(server, client)]),
    (reached) => !reached.includes(true),
  )
  await eventually(
    async () => {
      const before = await received()
      await canReach(client, server)
      return (await received()) - before
    },
    (grown) => grown === 0,
  )
  await cluster.kubectl(['delete', 'networkpolicy', 'deny-all'])
  await eventually(
    () => Promise.all([canReach(client, server), canReach(server, client)]),
    (reached) => !reached.includes(false),
  )
  for (const pod of [client, server]) await cluster.exec(pod, 'sh', '-c', 'killall nc tail; true')
  await Promise.all([listener, sender])
})

const isExec = (line: string) => line.includes('"subresource":"exec"') && line.includes('"admin"')

test('an image written from folders runs with its files, owner, user and environment', async () => {
  const scratch = await mkdtemp(join(tmpdir(), 'riposte-image-test-'))
  try {
    const [base, own] = [join(scratch, 'base'), join(scratch, 'own')]
    await mkdir(join(base, 'bin'), { recursive: true })
    await copyFile('/usr/bin/busybox', join(base, 'bin/busybox'))
    for (const applet of ['sh', 'sleep', 'id', 'stat'])
      await symlink('busybox', join(base, 'bin', applet))
    await mkdir(own)
    await writeFile(join(own, 'marker'), 'here')
    const archive = join(scratch, 'image.tar')
    const { reference, id } = await writeImage(archive, {
      reference: 'riposte.test/written:1',
      layers: [{ folder: base }, { folder: own, owner: '1234:1235' }],
      config: { user: '1234:1235', env: { COLOUR: 'green' }, command: ['sleep', '1000000'] },
    })
    await cluster.importImage(archive)
    const pod = await cluster.runPod({
      name: 'written',
      image: reference,
      container: { command: undefined },
    })

    expect(pod.status.containerStatuses?.[0]?.imageID).toBe(id)
    expect(await cluster.exec(pod, 'sh', '-c', 'id -u; echo $COLOUR; stat -c %u:%g /marker')).toBe(
      '1234\ngreen\n1234:1235\n',
    )
  } finally {
    await rm(scratch, { recursive: true })
  }
})

test('the audit log has who entered which pod', async () => {
  await eventually(
    async () => (await readFile(cluster.auditLogPath, 'utf8')).split('\n'),
    (lines) => lines.some(isExec),
  )
})

test('nothing is left when it is disposed, with pods still running', async () => {
  const { runId, folder, nodes } = cluster
  await cluster[Symbol.asyncDispose]()

  expect(await cgroupsOf(`${runId}-`)).toEqual([])
  expect(await netnsOf(runId)).toEqual([])
  expect(await linksOf(runId)).toEqual([])
  for (const path of [folder, recordOf(runId), ...nodes.map(({ pid }) => `/proc/${pid}`)])
    expect({ path, isThere: existsSync(path) }).toEqual({ path, isThere: false })
})
