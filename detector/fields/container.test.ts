import { expect, test } from '@jest/globals'
import type { RecordSource } from '../events/encode.ts'
import type { ContainerFacts } from '../state/container.ts'
import { testState, BOOTED_NS, eventFrom, valueOf } from './testing.ts'

const id = '3ad7b26ded6d8e7b23da7d48fe889434573036c27ae5a74837233de441c3f5d8'
const sandboxId = 'beefb26ded6d8e7b23da7d48fe889434573036c27ae5a74837233de441c3f5d8'
const uid = '0cafe123-1111-2222-3333-444444444444'

const facts: ContainerFacts = {
  id,
  name: 'nginx',
  runtime: 'containerd',
  image: 'registry:5000/web/nginx:1.27',
  imageId: 'aa11',
  imageRepository: 'registry:5000/web/nginx',
  imageTag: '1.27',
  imageDigest: 'sha256:bb22',
  isPrivileged: true,
  isHostPid: true,
  isHostNetwork: false,
  isHostIpc: true,
  mounts: [
    {
      source: '/etc',
      destination: '/host/etc',
      mode: '',
      isWritable: false,
      propagation: 'private',
    },
    { source: '/var/run', destination: '/run', mode: 'z', isWritable: true, propagation: 'rslave' },
  ],
  labels: { tier: 'front', empty: '', 'io.kubernetes.pod.name': 'web-0', 'annotation.x': 'y' },
  probes: [],
  ip: '10.0.0.7',
  cniResult: '{"eth0":{}}',
  sandboxId,
  isSandbox: false,
  pod: { uid, name: 'web-0', namespace: 'shop', labels: { app: 'web' }, annotations: {} },
}

const exec = (cgroup: string): RecordSource => ({
  event: 'execve',
  pid: 100,
  parentPid: 1,
  startTimeNs: 5n,
  timeNs: 9_000n,
  parameters: {
    res: 0,
    exe: '/bin/check',
    args: ['-q', 'now'],
    comm: 'check',
    cgroups: [`cpu=${cgroup}`],
    pidns_init_start_ts: 4_000n,
  },
})

function contained() {
  const state = testState()
  const event = eventFrom(state, exec(`/kubepods/burstable/pod${uid}/${id}`))
  const container = event.process?.container
  if (container === undefined) throw new Error('no container')
  container.facts = facts
  return { event, container }
}

test.each([
  ['container.id', '3ad7b26ded6d'],
  ['container.full_id', id],
  ['container.name', 'nginx'],
  ['container.image', 'registry:5000/web/nginx:1.27'],
  ['container.image.id', 'aa11'],
  ['container.image.repository', 'registry:5000/web/nginx'],
  ['container.image.tag', '1.27'],
  ['container.image.digest', 'sha256:bb22'],
  ['container.type', 'containerd'],
  ['container.privileged', true],
  ['container.mounts', '/etc:/host/etc::false:private,/var/run:/run:z:true:rslave'],
  ['container.mount[0]', '/etc:/host/etc::false:private'],
  ['container.mount[/var*]', '/var/run:/run:z:true:rslave'],
  ['container.mount[7]', 'none'],
  ['container.mount.dest[/proc*]', 'N/A'],
  ['container.mount.source[/host/*]', '/etc'],
  ['container.mount.dest[/etc]', '/host/etc'],
  ['container.mount.mode[1]', 'z'],
  ['container.mount.rdwr[1]', 'true'],
  ['container.mount.propagation[/var/run]', 'rslave'],
  ['container.label[tier]', 'front'],
  ['container.label[toString]', undefined],
  ['container.labels', 'empty, tier:front'],
  ['container.ip', '10.0.0.7'],
  ['container.cni.json', '{"eth0":{}}'],
  ['container.host_pid', true],
  ['container.host_network', false],
  ['container.host_ipc', true],
  ['container.start_ts', BOOTED_NS + 4_000n],
  ['container.duration', 5_000n],
  ['k8s.pod.name', 'web-0'],
  ['k8s.ns.name', 'shop'],
  ['k8s.pod.id', uid],
  ['k8s.pod.uid', uid],
  ['k8s.pod.sandbox_id', 'beefb26ded6d'],
  ['k8s.pod.full_sandbox_id', sandboxId],
  ['k8s.pod.label[app]', 'web'],
  ['k8s.pod.labels', 'app:web'],
  ['k8s.pod.ip', '10.0.0.7'],
  ['k8s.pod.cni.json', '{"eth0":{}}'],
])('%s of a container is %p', (text, value) => {
  expect(valueOf(contained().event, text)).toEqual(value)
})

test.each([
  ['container.id', '3ad7b26ded6d'],
  ['container.start_ts', BOOTED_NS + 4_000n],
  ['container.name', undefined],
  ['container.privileged', undefined],
  ['container.mounts', undefined],
  ['k8s.pod.name', undefined],
  ['k8s.pod.uid', uid],
  ['proc.is_container_healthcheck', false],
])('before anybody has told of it, %s is %p', (text, value) => {
  const { event } = contained()
  if (event.process?.container) event.process.container.facts = undefined
  expect(valueOf(event, text)).toEqual(value)
})

test.each([
  ['container.id', 'host'],
  ['container.full_id', 'host'],
  ['container.name', 'host'],
  ['container.type', 'host'],
  ['container.image', ''],
  ['container.image.repository', ''],
  ['container.privileged', false],
  ['container.mounts', ''],
  ['container.mount[0]', 'none'],
  ['k8s.pod.name', undefined],
  ['k8s.ns.name', undefined],
  ['k8s.pod.uid', undefined],
  ['k8s.pod.sandbox_id', ''],
])('on the host %s is %p', (text, value) => {
  expect(valueOf(eventFrom(testState(), exec('/system.slice')), text)).toEqual(value)
})

test('what the API server says of the pod goes before what the runtime was told', () => {
  const { event, container } = contained()
  container.pod = {
    uid: 'api-uid',
    name: 'web-0',
    namespace: 'shop',
    serviceAccount: 'default',
    priorityClass: null,
    isHostNetwork: false,
    labels: { app: 'relabelled' },
    annotations: {},
    owners: [],
  }
  expect(valueOf(event, 'k8s.pod.label[app]')).toBe('relabelled')
  expect(valueOf(event, 'k8s.pod.uid')).toBe('api-uid')
})

test.each([
  ['health', 'container.healthcheck', 'proc.is_container_healthcheck'],
  ['liveness', 'container.liveness_probe', 'proc.is_container_liveness_probe'],
  ['readiness', 'container.readiness_probe', 'proc.is_container_readiness_probe'],
] as const)(
  'a %s check is known by its command, and only where the runtime started it',
  (kind, field, flag) => {
    const { event, container } = contained()
    expect(valueOf(event, flag)).toBe(false)
    container.probes = [{ kind, command: ['/bin/check', '-q', 'now'] }]
    expect(valueOf(event, field)).toBe('/bin/check -q now')
    expect(valueOf(event, flag)).toBe(true)
    const { process } = event
    if (process === undefined) throw new Error('no process')
    // The same command, run by somebody inside.
    process.parent = { ...process, pid: 99 }
    expect(valueOf(event, flag)).toBe(false)
  },
)
