import { afterAll, expect, test as anywhere } from '@jest/globals'
import { needs } from '../../../scripts/needs.ts'
import type { ContainerFacts } from '../../state/container.ts'
import { RuntimeAway } from '../runtime.ts'
import { TestContainerd, busybox, pause } from '../testing/containerd.ts'
import { CriRuntime } from './cri-runtime.ts'

const test = needs('root', 'containerd')
const containerd = test === anywhere ? await TestContainerd.start() : undefined

afterAll(async () => {
  await containerd?.[Symbol.asyncDispose]()
}, 60_000)

/** The last of what it tells of each; `isWhole`: what comes later has come. */
async function factsOf(
  runtime: CriRuntime,
  ids: readonly string[],
  isWhole: (facts: ContainerFacts) => boolean = () => true,
) {
  const found = new Map<string, ContainerFacts>()
  await runtime.lookUp(ids, (facts) => found.set(facts.id, facts), AbortSignal.timeout(10_000))
  while (![...found.values()].every(isWhole)) await new Promise((resolve) => setTimeout(resolve, 5))
  return [...found.values()]
}

test('containerd tells a container: name, image, mounts, privileges and its pod', async () => {
  if (containerd === undefined) throw new Error('no containerd')
  const runtime = new CriRuntime(containerd.socket)
  const pod = await containerd.runPod({
    name: 'web-0',
    namespace: 'shop',
    labels: { app: 'web' },
    annotations: { note: 'x' },
    isHostPid: true,
    isPrivileged: true,
  })
  const id = await pod.run({
    name: 'nginx',
    command: ['/bin/sleep', '1000'],
    labels: { tier: 'front' },
    isPrivileged: true,
    mounts: [{ source: '/etc', destination: '/host/etc', isReadonly: true }],
  })
  const [facts] = await factsOf(runtime, [id], ({ cniResult }) => cniResult !== '')
  expect(facts).toMatchObject({
    id,
    name: 'nginx',
    runtime: 'containerd',
    image: busybox,
    imageRepository: 'lab.local/tools/busybox',
    imageTag: '1.35',
    imageDigest: expect.stringMatching(/^sha256:[0-9a-f]{64}$/),
    imageId: expect.stringMatching(/^[0-9a-f]{64}$/),
    isPrivileged: true,
    isHostPid: true,
    isHostNetwork: false,
    isHostIpc: false,
    ip: expect.stringMatching(/^10\.231\.7\.\d+$/),
    cniResult: expect.stringContaining('"eth0"'),
    sandboxId: pod.sandboxId,
    isSandbox: false,
    mounts: [
      {
        source: '/etc',
        destination: '/host/etc',
        mode: '',
        isWritable: false,
        propagation: 'private',
      },
    ],
    pod: { uid: pod.uid, name: 'web-0', namespace: 'shop', annotations: { note: 'x' } },
  })
  expect(facts?.labels).toMatchObject({ tier: 'front', 'io.kubernetes.pod.name': 'web-0' })
  expect(facts?.pod?.labels).toMatchObject({ app: 'web' })

  const [sandbox] = await factsOf(runtime, [pod.sandboxId], ({ image }) => image !== '')
  expect(sandbox).toMatchObject({ id: pod.sandboxId, isSandbox: true, image: pause })
  expect(sandbox?.pod?.name).toBe('web-0')

  const many = await factsOf(runtime, [
    ...Array.from({ length: 20 }, (_, n) => `${n}`),
    id,
    pod.sandboxId,
  ])
  expect(many.map((found) => found.id).toSorted()).toEqual([id, pod.sandboxId].toSorted())
  runtime.close()
}, 60_000)

test('a runtime that is gone or hangs says so, and answers again when it is back', async () => {
  if (containerd === undefined) throw new Error('no containerd')
  const runtime = new CriRuntime(containerd.socket)
  const unknown = 'f'.repeat(64)
  expect(await factsOf(runtime, [unknown])).toEqual([])
  await containerd.kill()
  await expect(factsOf(runtime, [unknown])).rejects.toThrow(RuntimeAway)
  await containerd.restart()
  expect(await factsOf(runtime, [unknown])).toEqual([])
  containerd.pause()
  const asking = runtime.lookUp([unknown], () => undefined, AbortSignal.timeout(50))
  await expect(asking).rejects.toThrow(RuntimeAway)
  containerd.resume()
  expect(await factsOf(runtime, [unknown])).toEqual([])
  runtime.close()
}, 60_000)
