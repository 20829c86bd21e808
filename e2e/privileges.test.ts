/** What docs/reference/privileges.md says: the detector works with these capabilities, and each is there for something. */
import { expect, test } from '@jest/globals'
import { spawn, spawnSync } from 'node:child_process'
import {
  chownSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import type { Place } from '../contract/alert.ts'
import { cgroupId, findCgroupTrees, pidsIn } from '../detector/verdicts/cgroups.ts'
import { identityOf, makeCgroup, until } from '../detector/verdicts/testing.ts'
import { readStat } from '../detector/verdicts/proc.ts'
import { needs } from '../scripts/needs.ts'

const { unified } = findCgroupTrees()
const kernelTest = unified === undefined ? test.skip : needs('root', 'ebpf')
const NOBODY = 65_534

/** A process of another user in a made-up pod, with a file of its own; a detector in the same cgroup. */
class Prey implements Disposable {
  readonly #node = makeCgroup(unified ?? '')
  readonly #pod = join(this.#node.directory, 'kubepods/pod1b4e28ba-2fa1-11d2-883f-0016d3cca427')
  readonly #container = join(this.#pod, 'aa'.padEnd(64, '0'))
  readonly #directory = mkdtempSync(join(tmpdir(), 'riposte-prey-'))
  /** On another file system, as a container's files are: quarantine copies then. */
  readonly #data = mkdtempSync('/dev/shm/riposte-prey-')
  readonly #file = join(this.#directory, 'home/tool')
  readonly #child

  constructor() {
    mkdirSync(this.#container, { recursive: true })
    mkdirSync(dirname(this.#file), { mode: 0o700 })
    writeFileSync(this.#file, 'x', { mode: 0o600 })
    for (const path of [dirname(this.#file), this.#file]) chownSync(path, NOBODY, NOBODY)
    this.#child = spawn('sleep', ['1000'], { uid: NOBODY, gid: NOBODY, stdio: 'ignore' })
    writeFileSync(join(this.#container, 'cgroup.procs'), String(this.#child.pid))
  }

  /** Which features do not work with only these capabilities, each with what was said. */
  async failing(
    capabilities: readonly string[],
    isQuarantining = false,
  ): Promise<Record<string, unknown>> {
    const pid = this.#child.pid ?? 0
    await until(() => readFileSync(`/proc/${pid}/comm`, 'utf8') === 'sleep\n')
    const input = {
      process: identityOf(pid),
      place: placeOf(this.#container),
      data: this.#data,
      file: isQuarantining ? this.#file : '',
      bootId: readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim(),
    }
    const only = capabilities.map((name) => `+${name.toLowerCase()}`).join(',')
    const probe = join(import.meta.dirname, 'support/privileges-probe.ts')
    const { stdout, stderr } = spawnSync(
      'setpriv',
      ['--bounding-set', `-all,${only}`, '--inh-caps', '-all', '--no-new-privs'].concat([
        process.execPath,
        probe,
        JSON.stringify(input),
      ]),
      { encoding: 'utf8' },
    )
    if (stdout === '') throw new Error(stderr)
    const results: Record<string, unknown> = JSON.parse(stdout)
    return Object.fromEntries(
      Object.entries(results).filter(([, result]) => result !== true && result !== 'skipped'),
    )
  }

  [Symbol.dispose](): void {
    this.#child.kill('SIGKILL')
    for (const pid of pidsIn(this.#node.directory))
      if (readStat(pid)?.state !== 'Z') process.kill(pid, 'SIGKILL')
    rmSync(this.#directory, { recursive: true })
    rmSync(this.#data, { recursive: true })
    for (let at = this.#container; at !== this.#node.directory; at = dirname(at)) remove(at)
    this.#node[Symbol.dispose]()
  }
}

/** The kernel lets go of a cgroup when the last dead process in it was reaped by nobody in particular. */
function remove(directory: string): void {
  const end = Date.now() + 5000
  for (;;)
    try {
      rmdirSync(directory)
      return
    } catch (error) {
      if (Date.now() > end) throw error
    }
}

const placeOf = (container: string): Place => ({
  cgroupId: cgroupId(container) ?? '',
  containerId: 'aa0000000000',
  container: null,
  pod: {
    uid: '1b4e28ba-2fa1-11d2-883f-0016d3cca427',
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

const detecting = ['BPF', 'PERFMON', 'SYS_PTRACE']
const acting = [...detecting, 'KILL', 'NET_ADMIN', 'DAC_READ_SEARCH']
const quarantining = [...acting, 'DAC_OVERRIDE', 'FOWNER', 'CHOWN']
const actions = ['block_network', 'freeze container', 'freeze tree', 'kill_process']

kernelTest(
  'with all that the actions name, everything works; without SYS_ADMIN and SYS_RESOURCE',
  async () => {
    using prey = new Prey()
    expect(await prey.failing(quarantining, true)).toEqual({})
  },
  60_000,
)

kernelTest.each([
  ['BPF', ['detect', 'block_network']],
  ['PERFMON', ['detect', 'block_network']],
  ['SYS_PTRACE', ['look', 'capture_snapshot', ...actions]],
  ['KILL', ['freeze tree', 'kill_process']],
  ['NET_ADMIN', ['block_network']],
  ['DAC_READ_SEARCH', ['capture_snapshot']],
] as const)(
  'without %s these do not work, and the others do: %j',
  async (removed, expected) => {
    using prey = new Prey()
    const failing = await prey.failing(acting.filter((name) => name !== removed))
    expect(Object.keys(failing).toSorted()).toEqual([...expected].toSorted())
  },
  60_000,
)

kernelTest.each([['DAC_OVERRIDE'], ['FOWNER'], ['CHOWN']])(
  'quarantine_file needs %s for what is not of root',
  async (removed) => {
    using prey = new Prey()
    const failing = await prey.failing(
      quarantining.filter((name) => name !== removed),
      true,
    )
    expect(Object.keys(failing)).toEqual(['quarantine_file'])
  },
  60_000,
)
