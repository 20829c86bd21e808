import { afterAll, beforeAll, describe, expect } from '@jest/globals'
import { needs, reasonToSkip } from '../../../scripts/needs.ts'
import type { ContainerFacts } from '../../state/container.ts'
import { RuntimeAway } from '../runtime.ts'
import { startTestDetector } from '../testing/detector.ts'
import { TestEngine } from '../testing/engine.ts'
import { DockerRuntime } from './docker-runtime.ts'

const image = 'lab.local/tools/busybox:1.35'

const rules = `
- rule: Touched
  desc: d
  condition: evt.type in (open, openat, creat) and evt.arg.flags contains O_CREAT and fd.name startswith /tmp/mark
  output: "%container.name (%container.image.repository)"
  priority: NOTICE
`

describe.each(['docker', 'podman'] as const)('%s', (kind) => {
  const wanted = ['root', kind, 'busybox'] as const
  const test = needs(...wanted)
  const live = needs(...wanted, 'ebpf')
  let started: TestEngine | undefined
  const engine = () => {
    if (started === undefined) throw new Error(`no ${kind}`)
    return started
  }
  beforeAll(async () => {
    if (reasonToSkip(...wanted) === undefined) started = await TestEngine.start(kind, image)
  })
  afterAll(() => started?.[Symbol.asyncDispose]())

  const lookUp = async (id: string, path = engine().socket) => {
    const found: ContainerFacts[] = []
    const runtime = new DockerRuntime(kind, path)
    await runtime.lookUp([id], (facts) => found.push(facts), AbortSignal.timeout(10_000))
    return found
  }

  test('name, image, mounts, privileges and health check are told', async () => {
    const id = engine().command(
        'create', '--name', 'worker', '--privileged', '--network', 'host', '--pid', 'host', '--label', 'tier=front',
        '--health-cmd', 'true', '-v', '/etc:/host/etc:ro', image, 'sleep', '1000',
      ) // prettier-ignore
    const [facts] = await lookUp(id)
    expect(facts).toMatchObject({
      id,
      name: 'worker',
      runtime: kind,
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
    await expect(lookUp('f'.repeat(64), `${engine().socket}.none`)).rejects.toThrow(RuntimeAway)
  })

  live('the first act of a new container is told with its name and image', async () => {
    await using detector = await startTestDetector([{ name: 'rules.yaml', text: rules }], {
      [`container_engines.${kind}`]: { enabled: true, sockets: [engine().socket] },
      'container_engines.cri': { enabled: false },
    })
    const detached = ['--detach', '--name', 'first', '--network', 'none', '--entrypoint', 'touch']
    const id = engine().command('run', ...detached, image, '/tmp/mark-1')
    const alert = await detector.alert(({ place }) => place?.containerId === id.slice(0, 12))
    expect(alert.output).toContain('first (lab.local/tools/busybox)')
    expect(alert.place).toMatchObject({
      isPending: false,
      container: { id, name: 'first', image, runtime: kind },
      pod: null,
    })
  })
})
