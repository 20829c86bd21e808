import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, expect, test as anywhere } from '@jest/globals'
import { needs } from '../../scripts/needs.ts'
import { TestContainerd, busybox } from './testing/containerd.ts'
import { Gate } from './testing/gate.ts'
import { type TestDetector, startTestDetector } from './testing/detector.ts'

const test = needs('root', 'ebpf', 'containerd')
const containerd = test === anywhere ? await TestContainerd.start() : undefined
afterAll(async () => {
  await containerd?.[Symbol.asyncDispose]()
}, 60_000)

const rules = `
- rule: Touched
  desc: d
  condition: evt.type in (open, openat, creat) and evt.arg.flags contains O_CREAT and fd.name startswith /tmp/mark
  output: "%proc.name touched %fd.name in %container.name (%container.image.repository) of %k8s.ns.name/%k8s.pod.name %k8s.pod.label[app]"
  priority: NOTICE
- rule: Started in container
  desc: d
  condition: evt.type in (execve, execveat) and container.id != host and evt.arg.res = 0
  output: "%proc.cmdline started by %proc.pname in %container.name"
  priority: NOTICE
- rule: Privileged mount of etc
  desc: d
  condition: evt.type in (execve, execveat) and container.privileged = true and container.mount.dest[/etc] = /host/etc
  output: "%container.mounts"
  priority: NOTICE
- macro: slow_mark
  condition: evt.type in (open, openat, creat) and fd.name = /tmp/mark-slow
- rule: Touched by busybox
  desc: d
  condition: slow_mark and container.image.repository = lab.local/tools/busybox and k8s.pod.label[app] = late
  output: "%proc.cmdline (%proc.pid) of %k8s.pod.name"
  priority: NOTICE
- rule: Touched by what is not busybox
  desc: d
  condition: slow_mark and not container.image.repository = lab.local/tools/busybox
  output: "%proc.cmdline"
  priority: NOTICE
`

async function detect(settings: Record<string, unknown> = {}): Promise<TestDetector> {
  return startTestDetector([{ name: 'rules.yaml', text: rules }], {
    'container_engines.cri': { sockets: [containerd?.socket] },
    ...settings,
  })
}

function lab(): TestContainerd {
  if (containerd === undefined) throw new Error('no containerd')
  return containerd
}

test('the first act of a new container is told with its container, image and pod', async () => {
  await using detector = await detect()
  await using pod = await lab().runPod({
    name: 'web-0',
    namespace: 'shop',
    labels: { app: 'web' },
    isHostNetwork: true,
  })
  const id = await pod.run({ name: 'nginx', command: ['/bin/touch', '/tmp/mark-1'] })
  const alert = await detector.alert(({ rule }) => rule === 'Touched')
  expect(alert.output).toMatch(
    /^touch touched \/tmp\/mark-1 in nginx \(lab\.local\/tools\/busybox\) of shop\/web-0 web /,
  )
  expect(alert.place).toMatchObject({
    containerId: id.slice(0, 12),
    isPending: false,
    container: {
      id,
      name: 'nginx',
      image: busybox,
      runtime: 'containerd',
      imageDigest: expect.stringMatching(/^sha256:/),
    },
    pod: { uid: pod.uid, name: 'web-0', namespace: 'shop', labels: { app: 'web' } },
  })
  const started = await detector.alert(
    ({ rule, process }) => rule === 'Started in container' && process?.name === 'touch',
  )
  expect(started.output).toMatch(/^touch \/tmp\/mark-1 started by .* in nginx/)
}, 60_000)

test('a condition on privilege and mounts is judged with what the runtime tells', async () => {
  await using detector = await detect()
  await using pod = await lab().runPod({ name: 'tools', isHostNetwork: true, isPrivileged: true })
  await pod.run({
    name: 'debug',
    command: ['/bin/true'],
    isPrivileged: true,
    mounts: [{ source: '/etc', destination: '/host/etc', isReadonly: true }],
  })
  const alert = await detector.alert(({ rule }) => rule === 'Privileged mount of etc')
  expect(alert.output).toMatch(/^\/etc:\/host\/etc::false:private /)
}, 60_000)

test('containers that run before the detector starts are named', async () => {
  await using pod = await lab().runPod({ name: 'old', isHostNetwork: true })
  const id = await pod.run({
    name: 'loop',
    command: ['/bin/sh', '-c', 'while sleep 0.1; do echo >/tmp/mark-old; done'],
  })
  await using detector = await detect()
  const alert = await detector.alert(
    ({ place }) => place?.containerId === id.slice(0, 12) && !place.isPending,
  )
  expect(alert.place).toMatchObject({ container: { name: 'loop' } })
}, 60_000)

test('a runtime that is slow leaves alerts pending; when it tells they are amended, and its rules judged again', async () => {
  await using gate = new Gate(join(lab().folder, 'gate.sock'), lab().socket)
  await gate.open()
  await using detector = await detect({
    'container_engines.cri': { sockets: [gate.path] },
    'riposte.identity.hold_ms': 50,
  })
  gate.shut()
  await using pod = await lab().runPod({
    name: 'slow',
    labels: { app: 'late' },
    isHostNetwork: true,
  })
  const id = await pod.run({ name: 'worker', command: ['/bin/touch', '/tmp/mark-slow'] })
  const alert = await detector.alert(({ rule }) => rule === 'Touched')
  expect(alert.output).toMatch(
    /^touch touched \/tmp\/mark-slow in <NA> \(<NA>\) of <NA>\/<NA> <NA> /,
  )
  expect(alert.place).toMatchObject({
    containerId: id.slice(0, 12),
    isPending: true,
    container: null,
    pod: null,
  })
  expect(detector.amendments).toEqual([])
  expect(detector.detector.metrics()).toMatch(/riposte_detector_containers_late_total [1-9]/)
  const wrong = await detector.alert(({ rule }) => rule === 'Touched by what is not busybox')
  const isGone = () => !existsSync(`/proc/${alert.process?.pid}`)
  await until(isGone)
  expect(detector.alerts.filter(({ rule }) => rule === 'Touched by busybox')).toEqual([])
  gate.release()
  const amendment = await detector.amendment(({ alertId }) => alertId === alert.id)
  expect(amendment.place).toMatchObject({
    isPending: false,
    container: { id, name: 'worker' },
    pod: { uid: pod.uid, name: 'slow' },
  })
  expect(amendment.outputFields).toMatchObject({
    'container.name': 'worker',
    'container.image.repository': 'lab.local/tools/busybox',
    'k8s.pod.name': 'slow',
    'k8s.pod.label[app]': 'late',
  })
  expect(amendment.isRetracted).toBe(false)
  const retraction = await detector.amendment(({ alertId }) => alertId === wrong.id)
  expect(retraction.isRetracted).toBe(true)
  const { pid } = alert.process ?? {}
  const late = await detector.alert(({ rule }) => rule === 'Touched by busybox')
  expect(late).toMatchObject({
    output: expect.stringContaining(`touch /tmp/mark-slow (${pid}) of slow `),
    time: alert.time,
    process: alert.process,
    place: amendment.place,
  })
  expect(detector.detector.degraded().join()).not.toContain('judged without')
  // All that was amended and judged again has gone out by the time that another container is told of.
  await pod.run({ name: 'next', command: ['/bin/touch', '/tmp/mark-next'] })
  await detector.alert(({ output }) => output.includes('/tmp/mark-next'))
  expect(detector.alerts.filter(({ rule }) => rule === 'Touched by busybox')).toHaveLength(1)
}, 60_000)

test('a runtime that goes away is a degraded state, and what began meanwhile is named when it is back', async () => {
  await using gate = new Gate(join(lab().folder, 'gate.sock'), lab().socket)
  await gate.open()
  await using detector = await detect({
    'container_engines.cri': { sockets: [gate.path] },
    'riposte.identity.hold_ms': 50,
  })
  // Containers of others on this kernel may be judged late; what was judged without a name shows for a while.
  const problems = () =>
    detector.detector.degraded().filter((line) => !line.includes('were judged'))
  expect(problems()).toEqual([])
  await gate.remove()
  const isAway = () => problems().some((line) => line.includes('new containers have no name'))
  await until(isAway)
  await using pod = await lab().runPod({ name: 'meanwhile', isHostNetwork: true })
  const id = await pod.run({ name: 'worker', command: ['/bin/touch', '/tmp/mark-away'] })
  const alert = await detector.alert(
    ({ rule, place }) => rule === 'Touched' && place?.containerId === id.slice(0, 12),
  )
  expect(alert.place?.isPending).toBe(true)
  await gate.open()
  const amendment = await detector.amendment(({ alertId }) => alertId === alert.id)
  expect(amendment.place.pod?.name).toBe('meanwhile')
  await until(() => !isAway())
  expect(detector.detector.degraded()).toEqual([])
}, 60_000)

async function until(isTrue: () => boolean) {
  while (!isTrue()) await new Promise((resolve) => setTimeout(resolve, 5))
}
