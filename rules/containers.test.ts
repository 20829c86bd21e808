/** In containers of a containerd of this file's own; what other tests do in theirs meanwhile is not looked at. */
import { execFileSync } from 'node:child_process'
import { cpSync, mkdirSync, readFileSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect } from '@jest/globals'
import type { Alert } from '../contract/alert.ts'
import {
  type ContainerOptions,
  type PodOptions,
  TestContainerd,
} from '../detector/containers/testing/containerd.ts'
import { type TestDetector, startTestDetector } from '../detector/containers/testing/detector.ts'
import { share } from '../e2e/support/shared.ts'
import { needs } from '../scripts/needs.ts'

const here = fileURLToPath(new URL('.', import.meta.url))
const wanted = ['root', 'ebpf', 'containerd', 'compiler'] as const
const liveTest = needs(...wanted)

const tools = ['service', 'nc', 'nmap', 'kubectl', 'apk', 'pip3']
const token = '/var/run/secrets/kubernetes.io/serviceaccount'

const fence = `
- rule: Fence
  desc: What came before this open has been judged.
  condition: open_write and fd.name startswith /tmp/fence-
  output: Fence | file=%fd.name
  priority: INFO
`

let containerd: TestContainerd
let detector: TestDetector
/** A container in which acts are done, whose own start tells nothing. */
let web: string
let count = 0

share(wanted, async (stack) => {
  containerd = stack.use(await TestContainerd.start())
  makeVolumes(containerd.folder)
  const files = readdirSync(here).filter((name) => name.endsWith('.yaml'))
  const rules = files
    .toSorted()
    .map((name) => ({ name, text: readFileSync(join(here, name), 'utf8') }))
  detector = await startTestDetector([...rules, { name: 'fence.yaml', text: fence }], {
    rule_matching: 'first',
    'container_engines.cri': { sockets: [containerd.socket] },
    // What is not known of a container in time is judged as missing; a busy machine takes its time.
    'riposte.identity.hold_ms': 10_000,
  })
  stack.use(detector)
  const pod = await containerd.runPod({ name: 'web', namespace: 'shop' })
  const at = (name: string) => join(containerd.folder, name)
  web = await pod.run({
    name: 'web',
    command: ['/tools/sleep', '1000'],
    mounts: [
      { source: at('tools'), destination: '/tools', isReadonly: true },
      { source: at('data'), destination: '/data' },
      { source: at('token'), destination: token },
      { source: at('node'), destination: '/node' },
    ],
  })
})

/** Everything here is older than the containers. */
function makeVolumes(folder: string) {
  for (const name of ['tools', 'data', 'token/..1', `node/${projected}`])
    mkdirSync(join(folder, name), { recursive: true })
  const acts = join(folder, 'tools/service')
  execFileSync('gcc', ['-O1', '-static', '-o', acts, join(here, 'acts.c')])
  for (const name of tools.slice(1)) cpSync(acts, join(folder, 'tools', name))
  cpSync('/bin/busybox', join(folder, 'tools/sleep'))
  cpSync('/bin/busybox', join(folder, 'tools/cat'))
  for (const file of ['token/..1/token', 'token/..1/ca.crt', `node/${projected}/token`])
    writeFileSync(join(folder, file), 'secret')
  symlinkSync('..1', join(folder, 'token/..data'))
  for (const name of ['token', 'ca.crt']) symlinkSync(`..data/${name}`, join(folder, 'token', name))
}
const projected = 'pods/1-2/volumes/kubernetes.io~projected/access'

/** What a shell without a terminal does in the container, and the alerts of it. */
async function act(script: string, container = web): Promise<Alert[]> {
  const before = detector.alerts.length
  await execute(container, script)
  return judged(container, before)
}

async function execute(containerId: string, script: string): Promise<void> {
  const cmd = ['/bin/sh', '-c', script]
  const { exitCode, stderr } = await containerd.kubelet.execSync({ containerId, cmd, timeout: 30n })
  if (exitCode !== 0) throw new Error(`the act failed (${exitCode}): ${String(stderr)}`)
}

/** The alerts of the container since then, once all has been judged. */
async function judged(container: string, before: number): Promise<Alert[]> {
  const file = `/tmp/fence-${++count}`
  const isOfIt = ({ place }: Alert) => place?.containerId === container.slice(0, 12)
  await execute(container, `: > ${file}`)
  await detector.alert(
    (alert) => isOfIt(alert) && alert.rule === 'Fence' && alert.outputFields['fd.name'] === file,
  )
  return detector.alerts.slice(before).filter((alert) => isOfIt(alert) && alert.rule !== 'Fence')
}

/** The rules on containers that a start set off; what the runtime does in the container meanwhile is its own affair. */
async function start(pod: Partial<PodOptions>, container: Partial<ContainerOptions> = {}) {
  const before = detector.alerts.length
  await using made = await containerd.runPod({ name: 'started', ...pod })
  const id = await made.run({ name: 'main', command: ['/bin/sleep', '1000'], ...container })
  const alerts = await judged(id, before)
  expect(new Set(alerts.map(({ place }) => place?.pod?.name))).toEqual(
    new Set(alerts.length > 0 ? ['started'] : []),
  )
  return alerts.map(({ rule }) => rule).filter((rule) => /container/i.test(rule))
}

const named = (...rules: string[]) => rules.map((rule) => ({ rule }))

liveTest('Container of a mining image started', async () => {
  containerd.addImage('lab.local/coins/xmrig:6')
  const rules = await start({}, { image: 'lab.local/coins/xmrig:6' })
  expect(rules).toContain('Container of a mining image started')
  expect(await start({})).toEqual([])
})

liveTest('Privileged container started', async () => {
  const rules = await start({ isPrivileged: true }, { isPrivileged: true })
  expect(rules).toContain('Privileged container started')
  containerd.addImage('registry.k8s.io/kube-proxy:v1')
  const proxy = { isPrivileged: true, image: 'registry.k8s.io/kube-proxy:v1' }
  expect(await start({ isPrivileged: true }, proxy)).toEqual([])
})

const mounted = (source: string) => ({ mounts: [{ source, destination: '/host' }] })

liveTest("Container started over the host's files", async () => {
  expect(await start({}, mounted('/etc'))).toContain("Container started over the host's files")
  expect(await start({}, mounted('/etc/hosts'))).toEqual([])
})

liveTest("Container started in the host's namespaces", async () => {
  const rule = "Container started in the host's namespaces"
  expect(await start({ isHostNetwork: true })).toContain(rule)
  expect(await start({ isHostPid: true })).toContain(rule)
})

liveTest('Program that is not of the image started: the alert has the pod', async () => {
  expect(await act('cp /tools/service /bin/dropped; /bin/dropped open / 0')).toMatchObject([
    { rule: 'Program directory written' },
    {
      rule: 'Program that is not of the image started',
      output: expect.stringContaining('k8s_pod_name=web k8s_ns_name=shop'),
      place: { pod: { name: 'web', namespace: 'shop' }, container: { name: 'web' } },
    },
  ])
  expect(await act('/tools/service open / 0; /bin/cat /etc/passwd')).toEqual([])
})

liveTest('Program written to a volume and run', async () => {
  expect(await act('cp /tools/service /data/x; /data/x open / 0')).toMatchObject(
    named('Program written to a volume and run'),
  )
  expect(await act('cp /tools/service /data/y; /tools/service open / 0')).toEqual([])
})

liveTest('Service account token read by a tool: busybox and other pods included', async () => {
  const rule = 'Service account token read by a tool'
  expect(await act(`/tools/cat ${token}/token`)).toMatchObject([
    { rule, outputFields: { 'fd.name': `${token}/..1/token`, 'proc.name': 'cat' } },
  ])
  expect(await act(`cat ${token}/token; :`)).toMatchObject(named(rule))
  expect(await act(`read x < ${token}/token || :`)).toMatchObject(named(rule))
  expect(await act(`/tools/service open /node/${projected}/token 0`)).toMatchObject(named(rule))
  expect(
    await act(`/tools/service open ${token}/token 0; /tools/cat ${token}/ca.crt > /dev/null`),
  ).toEqual([])
})

liveTest('Kubernetes API contacted by hand', async () => {
  const address = '10.231.7.1'
  const rule = 'Kubernetes API contacted by hand'
  const network = 'Network tool started in a container'
  expect(await act(`/tools/nc connect ${address} 6443`)).toMatchObject(named(network, rule))
  const known = `export KUBERNETES_SERVICE_HOST=${address}`
  expect(await act(`${known}; /tools/nc connect ${address} 443`)).toMatchObject(
    named(network, rule),
  )
  expect(await act(`/tools/nc connect ${address} 443`)).toMatchObject(named(network))
  expect(
    await act(`${known}; for i in 443 6443; do /tools/service connect ${address} $i; done`),
  ).toEqual([])
})

liveTest('Shell with a terminal in a container', async () => {
  const before = detector.alerts.length
  const session = `ctr -a ${containerd.socket} -n k8s.io tasks exec -t --exec-id by-hand ${web}`
  execFileSync('script', ['-qec', `${session} /bin/sh -c "/bin/sh -c :; :"`, '/dev/null'], {
    input: '',
    stdio: ['pipe', 'ignore', 'inherit'],
  })
  expect(await judged(web, before)).toMatchObject(named('Shell with a terminal in a container'))
  expect(await act('/bin/sh -c :')).toEqual([])
})

liveTest('Package manager run in a container', async () => {
  const rule = 'Package manager run in a container'
  expect(await act('/tools/apk run /tools/service open / 0')).toMatchObject(named(rule))
  expect(await act('/tools/pip3 install x || :')).toMatchObject(named(rule))
  expect(await act('/tools/pip3 list || :')).toEqual([])
})

liveTest('Network tool started in a container', async () => {
  expect(await act('/tools/nmap || :')).toMatchObject([
    { rule: 'Network tool started in a container', priority: 'Warning' },
  ])
  expect(await act('/tools/service || :')).toEqual([])
})

liveTest('Cluster tool started in a container', async () => {
  expect(await act('/tools/kubectl || :')).toMatchObject(
    named('Cluster tool started in a container'),
  )
  const mounts = [{ source: join(containerd.folder, 'tools'), destination: '/tools' }]
  const command = ['/tools/kubectl', 'run', '/bin/sleep', '1000']
  expect(await start({}, { mounts, command })).toEqual([])
})
