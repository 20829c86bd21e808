import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from '@jest/globals'
import { podAlert } from '../../responder/policy/alert.sample.ts'
import { needs } from '../../scripts/needs.ts'
import { cgroupId, findCgroupTrees, pidsIn } from './cgroups.ts'
import { executeVerdict } from './execute.ts'
import type { HandedFile } from './hand-over.ts'
import { listen, startTalker, tell } from './talker.ts'
import { hostPlace, makeCgroup, openTestContext, order, startVictim, until } from './testing.ts'
import { upperOf } from './snapshot/changed-files.ts'

const { unified = '' } = findCgroupTrees()
const uid = '1b4e28ba-2fa1-11d2-883f-0016d3cca427'

/** The cgroup of a pod with one container, taken away with all that is in it. */
function makePod() {
  const node = makeCgroup(unified)
  const pod = join(node.directory, `pod${uid}`)
  const container = join(pod, 'a'.repeat(64))
  mkdirSync(container, { recursive: true })
  return {
    place: {
      ...hostPlace(''),
      pod: podAlert({ uid }).place?.pod ?? null,
      cgroupId: cgroupId(container) ?? '',
      containerId: 'a'.repeat(12),
    },
    add: (pid: number) => writeFileSync(join(container, 'cgroup.procs'), String(pid)),
    [Symbol.dispose]() {
      for (const pid of pidsIn(pod)) writeFileSync(join(unified, 'cgroup.procs'), String(pid))
      rmdirSync(container)
      rmdirSync(pod)
      node[Symbol.dispose]()
    },
  }
}

const sha256 = (bytes: Buffer | string) => createHash('sha256').update(bytes).digest('hex')

/** A container's file system: an overlay as its root, of which the test knows the layers. */
function makeRoot() {
  const top = mkdtempSync(join(tmpdir(), 'riposte-overlay-'))
  execFileSync('mount', ['-t', 'tmpfs', 'tmpfs', top])
  const [lower, upper, work, root] = ['lower', 'upper', 'work', 'root'].map((name) => {
    mkdirSync(join(top, name))
    return join(top, name)
  })
  mkdirSync(join(lower ?? '', 'bin'))
  execFileSync('cp', ['/bin/busybox', join(lower ?? '', 'bin/busybox')])
  writeFileSync(join(lower ?? '', 'removed'), 'x')
  const options = `lowerdir=${lower},upperdir=${upper},workdir=${work}`
  execFileSync('mount', ['-t', 'overlay', 'overlay', '-o', options, root ?? ''])
  return {
    root: root ?? '',
    upper: upper ?? '',
    [Symbol.dispose]() {
      execFileSync('umount', ['-l', root ?? ''])
      execFileSync('umount', ['-l', top])
      rmSync(top, { recursive: true })
    },
  }
}

needs('root', 'ebpf', 'containerd')(
  'a pod is captured: processes, files changed in its overlay, and packets, and handed over',
  async () => {
    await using context = await openTestContext()
    await using server = await listen('127.0.0.1')
    await using talker = await startTalker()
    using overlay = makeRoot()
    const script =
      '/bin/busybox rm /removed; echo changed > /bin/new; /bin/busybox ln -s /etc/shadow /link; echo ready; exec /bin/busybox sleep 1000'
    await using inside = await startVictim([
      'unshare',
      '-m',
      '--',
      'sh',
      '-c',
      `cd ${overlay.root} && mkdir -p old && pivot_root . old && exec /bin/busybox sh -c '${script}'`,
    ])
    await until(() => inside.output() === 'ready\n')
    using pod = makePod()
    pod.add(talker.pid)
    pod.add(inside.pid)
    const handed = new Map<string, Buffer>()
    const parameters = { packets: { seconds: 2 } }
    const capture = order('capture_pod', null, { place: pod.place, parameters })
    expect(await executeVerdict({ ...capture, operation: 'plan' }, context)).toMatchObject({
      status: 'planned',
      detail: expect.stringContaining('2 processes'),
    })
    const running = executeVerdict(capture, context, ({ name, path, sha256: hash }: HandedFile) => {
      const bytes = readFileSync(path)
      expect(sha256(bytes)).toBe(hash)
      handed.set(name, bytes)
      return Promise.resolve('kept')
    })
    await tell(talker, `connect 127.0.0.1 ${server.port}`)
    let isOver = false
    void running.then(() => (isOver = true))
    await until(() => {
      talker.write('say from-the-pod\n')
      return isOver
    })
    const answer = await running
    expect(answer).toMatchObject({
      status: 'done',
      detail: expect.stringContaining('captured 2 processes'),
      effect: { processes: 2 },
    })
    const json = (name: string) => JSON.parse(handed.get(name)?.toString() ?? '')
    expect([...handed.keys()].toSorted()).toEqual([
      'environment.json',
      'files.json',
      'mounts.json',
      'node-manifest.json',
      'open-files.json',
      'packets.pcap',
      'process-tree.json',
      'sockets.json',
    ])
    expect(json('process-tree.json')).toContainEqual(
      expect.objectContaining({
        pid: talker.pid,
        executableSha256: sha256(readFileSync(process.execPath)),
      }),
    )
    expect(handed.get('packets.pcap')?.includes('from-the-pod')).toBe(true)
    const changed = json('files.json').find(
      ({ upper }: { upper: string }) => upper === overlay.upper,
    )
    expect(changed.files).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ path: '/bin/new', kind: 'file', sha256: sha256('changed\n') }),
        expect.objectContaining({ path: '/removed', kind: 'deleted', sha256: null }),
        expect.objectContaining({ path: '/link', kind: 'link', sha256: null }),
      ]),
    )
    const secrets = json('environment.json').flatMap(
      ({ environment }: { environment: { name: string; value: string | null }[] }) => environment,
    )
    expect(secrets).toContainEqual(expect.objectContaining({ name: 'RIPOSTE_TEST', value: null }))
    // What the responder has is not kept on the node twice.
    expect(readdirSync((answer.effect as { folder: string }).folder)).toEqual(['manifest.json'])
    const verify = { ...capture, operation: 'verify' as const, effect: answer.effect }
    expect(await executeVerdict(verify, context)).toMatchObject({ status: 'done' })
  },
  60_000,
)

const line = (point: string, upper: string) =>
  `1 2 0:3 / ${point} rw - overlay overlay rw,lowerdir=/l,upperdir=${upper},workdir=/w`

test('the upper directory is that of the root alone, its escapes undone', () => {
  expect(upperOf(`${line('/data', '/no')}\n${line('/', '/a\\040b\\134c')}\n`)).toBe('/a b\\c')
  expect(upperOf('1 2 0:3 / / rw - ext4 /dev/sda rw')).toBeUndefined()
})
