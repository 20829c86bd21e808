import { expect, test } from '@jest/globals'
import { randomUUID } from 'node:crypto'
import { mkdirSync, rmdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Place } from '../../contract/alert.ts'
import { cgroupId, findCgroupTrees } from './cgroups.ts'
import { executeVerdict } from './execute.ts'
import { pidsIn } from './cgroups.ts'
import { readStat } from './proc.ts'
import { listen, startTalker, tell } from './talker.ts'
import { makeCgroup, openTestContext, order, startVictim, until } from './testing.ts'

const { unified = '' } = findCgroupTrees()
const onUnified = unified === '' ? test.skip : test

// Its own: other tests make cgroups of pods in the same tree meanwhile.
const uid = randomUUID()
const otherUid = '5d9b1a52-88e7-4c3a-9df1-7a31c2f7b0aa'
const layouts = {
  cgroupfs: (pod: string, container: string) => `kubepods/besteffort/pod${pod}/${container}`,
  systemd: (pod: string, container: string) =>
    `kubepods.slice/kubepods-pod${pod.replaceAll('-', '_')}.slice/cri-containerd-${container}.scope`,
}
const idOf = (letters: string) => letters.padEnd(64, '0')

/** A node's cgroup with pods in it, taken away with all that is below. */
class TestPods implements Disposable {
  readonly #node = makeCgroup(unified)
  readonly #made: string[] = []
  readonly #layout

  constructor(layout: keyof typeof layouts) {
    this.#layout = layouts[layout]
  }

  container(pod: string, letters: string): string {
    const path = this.#layout(pod, idOf(letters)).split('/')
    return path.reduce((above, name) => this.below(above, name), this.#node.directory)
  }

  below(above: string, name: string): string {
    const directory = join(above, name)
    if (cgroupId(directory) === undefined) {
      mkdirSync(directory)
      this.#made.push(directory)
    }
    return directory
  }

  remove(directory: string): void {
    rmdirSync(directory)
    this.#made.splice(this.#made.indexOf(directory), 1)
  }

  [Symbol.dispose](): void {
    for (const directory of this.#made.toReversed()) {
      for (const pid of pidsIn(directory))
        if (readStat(pid)?.state !== 'Z') writeFileSync(join(unified, 'cgroup.procs'), String(pid))
      rmdirSync(directory)
    }
    this.#node[Symbol.dispose]()
  }
}

const enter = (directory: string, pid: number) => {
  writeFileSync(join(directory, 'cgroup.procs'), String(pid))
}

const placeOf = (directory: string, letters: string, podUid: string): Place => ({
  cgroupId: cgroupId(directory) ?? '',
  containerId: idOf(letters).slice(0, 12),
  container: null,
  pod: {
    uid: podUid,
    namespace: 'shop',
    name: 'web-0',
    serviceAccount: 'default',
    priorityClass: null,
    isHostNetwork: false,
    labels: {},
    annotations: {},
    owners: [],
  },
  isPending: false,
})

onUnified.each(['cgroupfs', 'systemd'] as const)(
  'by the %s driver a pod is cut off with containers that start later, and its neighbour is not',
  async (layout) => {
    await using context = await openTestContext()
    await using server = await listen('127.0.0.1')
    await using first = await startTalker()
    await using later = await startTalker()
    await using neighbour = await startTalker()
    using pods = new TestPods(layout)
    const container = pods.container(uid, 'aa')
    enter(container, first.pid)
    enter(pods.container(otherUid, 'dd'), neighbour.pid)
    const connect = `connect 127.0.0.1 ${server.port}`
    const place = placeOf(container, 'aa', uid)
    const parameters = { scope: 'pod' }
    const block = order('block_network', first.identity, { place, parameters })
    const { effect, ...answer } = await executeVerdict(block, context)
    expect(answer).toMatchObject({ status: 'done' })

    enter(pods.container(uid, 'bb'), later.pid)
    expect(await tell(first, connect)).toBe('connect EPERM')
    expect(await tell(later, connect)).toBe('connect EPERM')
    expect(await tell(neighbour, connect)).toBe('connect ok')
    const verify = await executeVerdict({ ...block, operation: 'verify', effect }, context)
    expect(verify).toMatchObject({ status: 'done', effect: { packets: 0, calls: 2 } })

    await executeVerdict({ ...block, operation: 'undo', effect }, context)
    expect(await tell(later, connect)).toBe('connect ok')
  },
)

onUnified(
  'a container is cut off alone, and what it had open loses its packets, counted',
  async () => {
    await using context = await openTestContext()
    await using server = await listen('127.0.0.1')
    await using inside = await startTalker()
    await using sidecar = await startTalker()
    using pods = new TestPods('cgroupfs')
    const container = pods.container(uid, 'aa')
    enter(container, inside.pid)
    enter(pods.container(uid, 'bb'), sidecar.pid)
    const connect = `connect 127.0.0.1 ${server.port}`
    expect(await tell(inside, connect)).toBe('connect ok')
    const place = placeOf(container, 'aa', uid)
    const block = order('block_network', inside.identity, {
      place,
      parameters: { scope: 'container' },
    })
    const { effect } = await executeVerdict(block, context)

    expect(await tell(sidecar, connect)).toBe('connect ok')
    await tell(inside, 'say lost')
    const refused = () => context.network.refusedBy(place.cgroupId)
    await until(() => (refused()?.packets ?? 0) > 0)
    expect(Number(refused()?.firstNs)).toBeGreaterThan(0)
    const verify = await executeVerdict({ ...block, operation: 'verify', effect }, context)
    expect(verify.detail).toMatch(/^in force; [1-9]\d* packets dropped and 0 calls refused so far$/)
    expect(server.heard()).toBe('')
    // A second block of the same step does not begin to count anew.
    await executeVerdict({ ...block, id: 'step-2', parameters: { scope: 'pod' } }, context)
    expect(refused()?.packets).toBeGreaterThan(0)
  },
)

onUnified(
  'ports that are left open are open to their addresses and protocol, and no others',
  async () => {
    await using context = await openTestContext()
    await using open = await listen('127.0.0.1')
    await using shut = await listen('127.0.0.1')
    await using six = await listen('::1')
    await using inside = await startTalker()
    using pods = new TestPods('cgroupfs')
    const container = pods.container(uid, 'aa')
    enter(container, inside.pid)
    const allowPorts = [
      { port: open.port, protocol: 'tcp', to: ['127.0.0.0/24'] },
      { port: 53, protocol: 'udp' },
      { port: six.port },
    ]
    const place = placeOf(container, 'aa', uid)
    const parameters = { scope: 'pod', allowPorts }
    await executeVerdict(order('block_network', inside.identity, { place, parameters }), context)

    expect(await tell(inside, `connect 127.0.0.1 ${open.port}`)).toBe('connect ok')
    await tell(inside, 'say through')
    await until(() => open.heard() === 'through\n')
    open.say('back\n')
    await until(() => inside.output().includes('heard back'))
    expect(await tell(inside, `connect ::1 ${six.port}`)).toBe('connect ok')
    expect(await tell(inside, `connect 127.0.0.1 ${shut.port}`)).toBe('connect EPERM')
    expect(await tell(inside, `connect 127.0.1.1 ${open.port}`)).toBe('connect EPERM')
    expect(await tell(inside, 'udp 127.0.0.1 53')).toBe('udp sent')
    expect(await tell(inside, 'udp ::1 53')).toBe('udp sent')
    expect(await tell(inside, 'connect 127.0.0.1 53')).toBe('connect EPERM')
    expect(await tell(inside, `udp 127.0.0.1 ${open.port}`)).toBe('udp EPERM')
  },
)

onUnified('a pod is frozen with all its containers, and thawed', async () => {
  await using context = await openTestContext()
  await using first = await startVictim(['sleep', '1000'])
  await using second = await startVictim(['sleep', '1000'])
  using pods = new TestPods('systemd')
  const container = pods.container(uid, 'aa')
  enter(container, first.pid)
  enter(pods.container(uid, 'bb'), second.pid)
  const place = placeOf(container, 'aa', uid)
  const freeze = order('freeze', first.identity, { place, parameters: { scope: 'pod' } })
  const { effect, ...answer } = await executeVerdict(freeze, context)
  try {
    expect(answer).toMatchObject({ status: 'done', detail: `froze ${dirname(container)}` })
    const verify = { ...freeze, operation: 'verify' as const, effect }
    expect(await executeVerdict(verify, context)).toMatchObject({ status: 'done' })
  } finally {
    await executeVerdict({ ...freeze, operation: 'undo', effect }, context)
  }
  expect(await executeVerdict({ ...freeze, operation: 'verify', effect }, context)).toMatchObject({
    status: 'unverified',
  })
})

onUnified(
  'a container is killed whole, with what it hid in cgroups of its own, and no other',
  async () => {
    await using context = await openTestContext()
    await using first = await startVictim(['sleep', '1000'])
    await using hidden = await startVictim(['sleep', '1000'])
    await using sidecar = await startVictim(['sleep', '1000'])
    using pods = new TestPods('cgroupfs')
    const container = pods.container(uid, 'aa')
    enter(container, first.pid)
    const inner = pods.below(container, 'inner')
    enter(inner, hidden.pid)
    enter(pods.container(uid, 'bb'), sidecar.pid)
    // The alert came from the cgroup that it made.
    const place = placeOf(inner, 'aa', uid)
    const kill = order('kill_process', hidden.identity, {
      place,
      parameters: { scope: 'container' },
    })
    const answer = await executeVerdict(kill, context)
    expect(answer).toMatchObject({ status: 'done', detail: expect.stringContaining('2 processes') })
    expect(readStat(sidecar.pid)?.state).toBe('S')
    await until(() =>
      [first.pid, hidden.pid].every((pid) => !'SR'.includes(readStat(pid)?.state ?? 'X')),
    )
  },
)

onUnified('what is not the container or pod that was judged is left alone', async () => {
  await using context = await openTestContext()
  await using victim = await startVictim(['sleep', '1000'])
  using pods = new TestPods('cgroupfs')
  const container = pods.container(uid, 'aa')
  enter(container, victim.pid)
  const right = placeOf(container, 'aa', uid)
  const status = async (action: string, scope: string, place: Place) => {
    const asked = order(action, victim.identity, {
      place,
      parameters: { scope },
      operation: 'plan',
    })
    return (await executeVerdict(asked, context)).status
  }
  const wrong: [Place, 'container' | 'pod', string][] = [
    [{ ...right, containerId: idOf('bb').slice(0, 12) }, 'container', 'target_gone'],
    [placeOf(container, 'aa', otherUid), 'container', 'target_gone'],
    [placeOf(container, 'aa', otherUid), 'pod', 'target_gone'],
    [{ ...right, cgroupId: '999999999' }, 'container', 'target_gone'],
    [{ ...right, isPending: true }, 'container', 'refused'],
    [{ ...right, containerId: 'host', pod: null }, 'pod', 'refused'],
  ]
  for (const action of ['block_network', 'freeze'])
    for (const [place, scope, expected] of wrong)
      expect([action, scope, await status(action, scope, place)]).toEqual([action, scope, expected])
  expect(await status('kill_process', 'container', { ...right, containerId: 'host' })).toBe(
    'refused',
  )
  expect(await status('kill_process', 'container', placeOf(container, 'bb', uid))).toBe(
    'target_gone',
  )
  expect(await status('kill_process', 'container', right)).toBe('planned')
})

onUnified(
  'a pod outlives its container: it is found by its UID, and a static one by its hash',
  async () => {
    await using context = await openTestContext()
    using pods = new TestPods('cgroupfs')
    const gone = pods.container(uid, 'aa')
    const place = placeOf(gone, 'aa', uid)
    const hash = '0123456789abcdef0123456789abcdef'
    const fixed = pods.container(hash, 'cc')
    const mirror = placeOf(fixed, 'cc', otherUid)
    pods.remove(gone)
    const plan = (of: Place) =>
      executeVerdict(
        order('block_network', null, {
          place: of,
          parameters: { scope: 'pod' },
          operation: 'plan',
        }),
        context,
      )
    expect(await plan(place)).toMatchObject({
      status: 'planned',
      effect: { cgroups: [{ id: cgroupId(dirname(gone)) }] },
    })
    const annotations = { 'kubernetes.io/config.hash': hash }
    const known = mirror.pod === null ? null : { ...mirror.pod, annotations }
    expect(await plan(mirror)).toMatchObject({ status: 'target_gone' })
    expect(await plan({ ...mirror, pod: known })).toMatchObject({ status: 'planned' })
  },
)
