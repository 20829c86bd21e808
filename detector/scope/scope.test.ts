import { expect, test } from '@jest/globals'
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { needs } from '../../scripts/needs.ts'
import { cgroupId, findCgroupTrees } from '../verdicts/cgroups.ts'
import { makeCgroup } from '../verdicts/testing.ts'
import { nodeDepth } from './kubernetes-cgroup.ts'
import { isBelow, openScope } from './scope.ts'

const { unified = '' } = findCgroupTrees()
const kernelTest = unified === '' ? test.skip : needs('root', 'ebpf')

const uid = '1b4e28ba-2fa1-11d2-883f-0016d3cca427'
const id = 'c0ffee'.padEnd(64, '0')
const systemdPod = `kubepods-besteffort-pod${uid.replaceAll('-', '_')}.slice/cri-containerd-${id}.scope`
const layouts = {
  'the cgroupfs driver': `kubepods/besteffort/pod${uid}/${id}`,
  'a guaranteed pod': `kubepods/pod${uid}/${id}`,
  'the systemd driver': `kubepods.slice/kubepods-besteffort.slice/${systemdPod}`,
  'kind with cgroupfs': `kubelet/kubepods/besteffort/pod${uid}/${id}`,
  'kind with systemd': `kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-besteffort.slice/kubelet-${systemdPod}`,
  'a pod that makes a kubepods of its own': `kubepods/pod${uid}/${id}/kubepods/x`,
}

test.each(Object.entries(layouts))('by %s the node ends where its pods begin', (_name, path) => {
  expect(nodeDepth(['n1', ...path.split('/')])).toBe(1)
  expect(nodeDepth(path.split('/'))).toBe(0)
})

test('what only begins with the same letters is not below', () => {
  const below = ['/n1', '/n1/kubepods', '/n10', undefined].map((found) => isBelow(found, '/n1'))
  expect(below).toEqual([true, true, false, false])
})

test('what is in no pod has no node of its own', () => {
  expect(nodeDepth(['user.slice', 'user-0.slice'])).toBeUndefined()
  expect(nodeDepth(['kubepods-fan.service'])).toBeUndefined()
  expect(nodeDepth([])).toBeUndefined()
})

/** A node's cgroup with one path below it, and what a detector that runs there finds. */
class MadeNode implements Disposable {
  readonly #node = makeCgroup(unified)
  readonly #leaf: string
  readonly name = basename(this.#node.directory)
  readonly found = { name: `/${this.name}`, level: 1, cgroupId: this.#node.id }

  constructor(path: string) {
    this.#leaf = join(this.#node.directory, path)
    mkdirSync(this.#leaf, { recursive: true })
  }

  /** `wrap` is shell text before the program: `unshare …`. */
  find(wrap = '', cgroupRoot = '/sys/fs/cgroup', enter = this.#leaf): unknown {
    const script = `
      import { openScope } from ${JSON.stringify(join(import.meta.dirname, 'scope.ts'))}
      const { name, level, cgroupId, covers } = openScope({ scope: 'auto', cgroupRoot: ${JSON.stringify(cgroupRoot)} })
      console.log(JSON.stringify({ name, level, cgroupId: String(cgroupId), own: covers(process.pid), init: covers(1) }))`
    const shell = `echo $$ > "$0/cgroup.procs" && exec ${wrap} "$@"`
    const argv = ['-c', shell, enter, process.execPath, '--input-type=module', '-e', script]
    const { stdout, stderr } = spawnSync('sh', argv, { encoding: 'utf8' })
    if (stdout === '') throw new Error(stderr)
    return JSON.parse(stdout)
  }

  [Symbol.dispose](): void {
    for (let at = this.#leaf; at !== this.#node.directory; at = dirname(at)) rmdirSync(at)
    this.#node[Symbol.dispose]()
  }
}

kernelTest.each(Object.entries(layouts))(
  'a detector in a pod finds its node by itself: %s',
  (_name, path) => {
    using node = new MadeNode(path)
    expect(node.find()).toEqual({ ...node.found, own: true, init: false })
    // As in a container with a cgroup namespace of its own: /proc says that it is at the root.
    expect(node.find('unshare --cgroup')).toEqual({ ...node.found, own: true, init: false })
  },
)

kernelTest('outside of pods the scope is the whole machine', () => {
  using node = new MadeNode('system/detector')
  expect(node.find()).toEqual({ name: 'host', level: 0, cgroupId: '0', own: true, init: true })
})

kernelTest(
  'where only the part of a node is mounted, as in kind, its depth is asked of the kernel',
  () => {
    using node = new MadeNode(layouts['kind with cgroupfs'])
    const mount = mkdtempSync(join(tmpdir(), 'riposte-scope-'))
    try {
      const part = `unshare --cgroup --mount sh -c 'mount -t cgroup2 none ${mount} && echo $$ > ${mount}/${layouts['kind with cgroupfs']}/cgroup.procs && exec "$0" "$@"'`
      const found = node.find(part, mount, join(unified, node.name))
      expect(found).toEqual({ ...node.found, name: '/', own: true, init: false })
    } finally {
      rmSync(mount, { recursive: true })
    }
  },
)

kernelTest('a scope that is named is taken, one that is not there is refused', () => {
  using node = makeCgroup(unified)
  const name = `/${basename(node.directory)}`
  expect(openScope({ scope: name, cgroupRoot: '/sys/fs/cgroup' })).toMatchObject({
    name,
    level: 1,
    cgroupId: BigInt(cgroupId(node.directory) ?? ''),
  })
  for (const wrong of ['/not/there', '/../..'])
    expect(() => openScope({ scope: wrong, cgroupRoot: '/sys/fs/cgroup' })).toThrow('cgroup')
  expect(openScope({ scope: '/', cgroupRoot: '/sys/fs/cgroup' }).level).toBe(0)
})

kernelTest('in a node that is a container records carry the pids that its /proc shows', () => {
  const script = `
    import { spawnSync } from 'node:child_process'
    import { observe } from ${JSON.stringify(join(import.meta.dirname, '../sources/observe.ts'))}
    let child = 0
    const records = observe(['openat'], () => { child = spawnSync('cat', ['/etc/hostname']).pid })
    const told = new Set(records.filter(({ pid }) => pid === child).map(({ name, parentPid }) => name + ' ' + parentPid))
    const forks = records.filter(({ parameters }) => parameters.child_pid === child).map(({ pid }) => pid)
    const foreign = records.some(({ pid }) => pid > 10_000)
    console.log(JSON.stringify({ pid: process.pid, isSmall: child < 10_000, told: [...told].sort(), forks, foreign }))`
  const wrap = ['--pid', '--fork', '--mount-proc', process.execPath, '--input-type=module', '-e']
  const { stdout, stderr } = spawnSync('unshare', [...wrap, script], { encoding: 'utf8' })
  if (stdout === '') throw new Error(stderr)
  expect(JSON.parse(stdout)).toEqual({
    pid: 1,
    isSmall: true,
    told: expect.arrayContaining(['execve 1', 'openat 1', 'procexit 1']),
    forks: [1],
    foreign: false,
  })
})
