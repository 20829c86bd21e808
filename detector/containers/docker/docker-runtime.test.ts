import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, jest } from '@jest/globals'
import { needs, reasonToSkip } from '../../../scripts/needs.ts'
import type { ContainerFacts } from '../../state/container.ts'
import { RuntimeAway } from '../runtime.ts'
import { makeBusyboxImage } from '../testing/image.ts'
import { DockerRuntime } from './docker-runtime.ts'

const test = needs('root', 'podman', 'containerd')
jest.setTimeout(60_000)

const folder = mkdtempSync(join(tmpdir(), 'riposte-podman-'))
const socket = join(folder, 'podman.sock')
const image = 'lab.local/tools/busybox:1.35'
const podman = (...args: readonly string[]) =>
  execFileSync(
    'podman',
    [
      '--root',
      join(folder, 'root'),
      '--runroot',
      join(folder, 'run'),
      '--storage-driver',
      'vfs',
      '--cgroup-manager',
      'cgroupfs',
      ...args,
    ],
    { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] },
  ).trim()

let service: ChildProcess | undefined
beforeAll(async () => {
  if (reasonToSkip('root', 'podman', 'containerd') !== undefined) return
  podman('load', '-i', makeBusyboxImage(folder, image))
  service = spawn(
    'podman',
    [
      '--root',
      join(folder, 'root'),
      '--runroot',
      join(folder, 'run'),
      '--storage-driver',
      'vfs',
      'system',
      'service',
      '--time',
      '0',
      `unix://${socket}`,
    ],
    { stdio: 'ignore' },
  )
  while (!existsSync(socket)) await new Promise((resolve) => setTimeout(resolve, 20))
})
afterAll(async () => {
  if (service !== undefined) {
    podman('rm', '-af')
    const ended = new Promise((resolve) => service?.once('exit', resolve))
    service.kill('SIGKILL')
    await ended
  }
  rmSync(folder, { recursive: true, force: true })
})

const lookUp = async (id: string, path = socket) => {
  const found: ContainerFacts[] = []
  const runtime = new DockerRuntime('podman', path)
  await runtime.lookUp([id], (facts) => found.push(facts), AbortSignal.timeout(10_000))
  return found
}

test("podman's answer in Docker's form tells name, image, mounts, privileges and health check", async () => {
  const id = podman(
    'create', '--name', 'worker', '--privileged', '--network', 'host', '--pid', 'host', '--label', 'tier=front',
    '--health-cmd', 'true', '-v', '/etc:/host/etc:ro', image, 'sleep', '1000',
  ) // prettier-ignore
  const [facts] = await lookUp(id)
  expect(facts).toMatchObject({
    id,
    name: 'worker',
    runtime: 'podman',
    imageRepository: 'lab.local/tools/busybox',
    imageTag: '1.35',
    imageId: expect.stringMatching(/^[0-9a-f]{64}$/),
    isPrivileged: true,
    isHostNetwork: true,
    isHostPid: true,
    labels: { tier: 'front' },
    pod: undefined,
  })
  expect(facts?.mounts).toContainEqual(
    expect.objectContaining({ source: '/etc', destination: '/host/etc', isWritable: false }),
  )
  expect(facts?.probes).toEqual([{ kind: 'health', command: ['/bin/sh', '-c', 'true'] }])
})

test('what it does not have is left out, and a socket that nobody listens on is away', async () => {
  expect(await lookUp('f'.repeat(64))).toEqual([])
  await expect(lookUp('f'.repeat(64), `${socket}.none`)).rejects.toThrow(RuntimeAway)
})
