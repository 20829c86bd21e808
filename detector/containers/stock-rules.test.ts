/** The stock rules that are about containers, each set off by its act in a real one. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from '@jest/globals'
import { needs, sharedData } from '../../scripts/needs.ts'
import { share } from '../../e2e/support/shared.ts'
import { type ContainerOptions, TestContainerd, type TestPod } from './testing/containerd.ts'
import { type TestDetector, startTestDetector } from './testing/detector.ts'

const wanted = ['root', 'ebpf', 'containerd', 'shared'] as const
const test = needs(...wanted)

let containerd: TestContainerd
let detector: TestDetector
let pod: TestPod
let plainPod: TestPod
share(wanted, async (stack) => {
  const files = ['falco_rules.yaml', 'falco-incubating_rules.yaml', 'falco-sandbox_rules.yaml']
  containerd = stack.use(await TestContainerd.start())
  const rules = files.map((name) => ({
    name,
    text: readFileSync(join(sharedData() ?? '', 'falco-rules', name), 'utf8'),
  }))
  detector = await startTestDetector(rules, {
    rules: [{ enable: { rule: '*' } }],
    'container_engines.cri': { sockets: [containerd.socket] },
  })
  stack.use(detector)
  pod = await containerd.runPod({
    name: 'attacker',
    namespace: 'shop',
    isHostNetwork: true,
    isPrivileged: true,
  })
  plainPod = await containerd.runPod({ name: 'plain', namespace: 'shop', isHostNetwork: true })
})

type Act = Partial<ContainerOptions> & { readonly argv: readonly string[] }

const sh = (script: string, more: Partial<ContainerOptions> = {}): Act => ({
  argv: ['/bin/sh', '-c', script],
  ...more,
})
const run = (...argv: readonly string[]): Act => ({ argv })
const privileged = { isPrivileged: true }

const acts: readonly (readonly [rule: string, act: Act])[] = [
  ['Terminal shell in container', { argv: ['/bin/sh', '-c', 'sleep 1'], hasTerminal: true }],
  ['Netcat Remote Code Execution in Container', run('/bin/nc', '-e', '/bin/sh', '127.0.0.1', '9')],
  ['Packet socket created in container', run('/bin/arping', '-I', 'lo', '-c', '1', '127.0.0.1')],
  [
    'Redirect STDOUT/STDIN to Network Connection in Container',
    sh('nc -l -p 29113 </dev/null & until nc 127.0.0.1 29113 -e /bin/true; do sleep 0.1; done'),
  ],
  [
    'Linux Kernel Module Injection Detected',
    { argv: ['/bin/insmod', '/etc/passwd'], ...privileged },
  ],
  ['Debugfs Launched in Privileged Container', { argv: ['/bin/debugfs'], ...privileged }],
  ['Detect release_agent File Container Escapes', sh('echo x >/tmp/release_agent', privileged)],
  ['Execution from /dev/shm', sh('/bin/sh -c /dev/shm/x; true')],
  [
    'Drop and execute new binary in container',
    sh('cp /bin/busybox /tmp/sleep; /tmp/sleep 0; true'),
  ],
  ['Change namespace privileges via unshare', run('/bin/unshare', '-n', '/bin/true')],
  ['Launch Privileged Container', { argv: ['/bin/true'], ...privileged }],
  ['Launch Package Management Process in Container', run('/bin/apk', 'add', 'x')],
  ['Launch Suspicious Network Tool in Container', run('/bin/nmap', '10.0.0.0/8')],
  ['Launch Remote File Copy Tools in Container', run('/bin/scp', 'x', 'y')],
  [
    'Mount Launched in Privileged Container',
    { argv: ['/bin/mount', '-t', 'tmpfs', 'x', '/tmp'], ...privileged },
  ],
  ['Launch Ingress Remote File Copy Tools in Container', run('/bin/wget', 'http://127.0.0.1:9/')],
  ['Read environment variable from /proc files', run('/bin/cat', '/proc/self/environ')],
  [
    'Exfiltrating Artifacts via Kubernetes Control Plane',
    run('/bin/tar', 'cf', '/dev/null', '/bin/busybox'),
  ],
  ['Kubernetes Client Tool Launched in Container', run('/bin/kubectl', 'get', 'pods')],
  ['Container Drift Detected (chmod)', sh('echo >/tmp/f; chmod 755 /tmp/f')],
  ['Container Drift Detected (open+create)', sh('cp /bin/busybox /tmp/f')],
  [
    'Launch Sensitive Mount Container',
    { argv: ['/bin/true'], mounts: [{ source: '/proc', destination: '/hostproc' }] },
  ],
  ['Container Run as Root User', run('/bin/true')],
  ['Decoding Payload in Container', sh('echo YQ== | base64 -d')],
  [
    'Container Access to Host Sensitive Paths',
    {
      argv: ['/bin/cat', '/host/etc/hostname'],
      mounts: [{ source: '/etc', destination: '/host/etc' }],
    },
  ],
]

test('a container without mounts sets off no rule about mounts', async () => {
  await plainPod.run({ name: 'plain', command: ['/bin/true'] })
  await detector.alert(
    (one) => one.rule === 'Container Run as Root User' && one.place?.container?.name === 'plain',
  )
  const about = detector.alerts.filter((one) => one.place?.container?.name === 'plain')
  expect(about.map(({ rule }) => rule)).not.toContain('Launch Sensitive Mount Container')
})

test.each(acts.map(([rule, act], number) => [rule, act, number] as const))(
  '%s',
  async (rule, { argv, ...options }, number) => {
    const name = `act-${number}`
    const where = options.isPrivileged === true ? pod : plainPod
    await where.run({ name, command: argv, ...options })
    const alert = await detector.alert(
      (one) => one.rule === rule && one.place?.container?.name === name,
    )
    expect(alert.place).toMatchObject({ isPending: false, pod: { namespace: 'shop' } })
    expect(alert.output).toMatch(
      `container_name=${name} container_image_repository=lab.local/tools/busybox container_image_tag=1.35`,
    )
  },
)
