import { expect } from '@jest/globals'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { noPods } from '../../contract/protected-pods.ts'
import type { StrikeOrder } from '../../contract/verdict.ts'
import { needs } from '../../scripts/needs.ts'
import { loadRules } from '../engine/load/load.ts'
import { createRuleset } from '../engine/ruleset.ts'
import { createEvent, type LiveEvent } from '../events/event.ts'
import { events, recordFlags } from '../events/schema.ts'
import { Judge } from '../judge/judge.ts'
import { syscallSource } from '../rule-sources.ts'
import { startKernel } from '../sources/kernel.ts'
import { apply } from '../state/apply.ts'
import { createState } from '../state/state.ts'
import { findCgroupTrees } from '../verdicts/cgroups.ts'
import { executeVerdict } from '../verdicts/execute.ts'
import { makeCgroup, openTestContext, order, startVictim, until } from '../verdicts/testing.ts'
import { openScope, type Scope } from './scope.ts'

const { unified = '' } = findCgroupTrees()
const kernelTest = needs('root', 'ebpf')

/** A node that strikes who opens `secret`, and tells what it saw of that. */
class TestNode implements Disposable {
  readonly cgroup = makeCgroup(unified)
  readonly scope: Scope
  readonly #source
  readonly #state
  readonly #seen: { name: string; process: string; isStruck: boolean }[] = []
  /** Programs told by anything: running ones, execs. */
  readonly known = new Set<number>()

  constructor(secret: string) {
    this.scope = openScope({
      scope: `/${basename(this.cgroup.directory)}`,
      cgroupRoot: '/sys/fs/cgroup',
    })
    this.#state = createState({ covers: this.scope.covers })
    const judge = new Judge({
      eventNames: events.map(({ name }) => name),
      isKept: (name) => !name.startsWith('open'),
      isFiltering: true,
      guardedPrograms: [],
      hostMounts: statSync('/proc/self/ns/mnt').ino,
      ownPids: () => [process.pid],
    })
    let event: LiveEvent | undefined
    this.#source = startKernel({
      events: ['open', 'openat', 'openat2'],
      compat: 'never',
      scope: this.scope,
      onLost: () => undefined,
      onEvent: (view) => {
        event ??= createEvent(view, this.#state)
        event.view = view
        this.known.add(view.pid)
        if (!apply(event)) return
        const at = events[view.eventId]?.parameters.findIndex(({ name }) => name === 'path') ?? -1
        const path = at < 0 ? undefined : view.text(at)
        const isStruck = (view.flags & recordFlags.struck) !== 0
        if (path === secret)
          this.#seen.push({ name: path, process: event.process?.name ?? '', isStruck })
      },
    })
    this.#source.drain()
    this.#state.endScan()
    judge.bind(this.#source.object)
    judge.learn(this.#state.processes.live())
    judge.setRules(rulesFor(secret))
    judge.takeStrikes({ generation: '1', orders: [strike], protectedPods: noPods })
  }

  seen() {
    this.#source.drain()
    return this.#seen.splice(0)
  }

  [Symbol.dispose](): void {
    this.#source.close()
    this.cgroup[Symbol.dispose]()
  }
}

const strike: StrikeOrder = {
  policy: 'p',
  policyGeneration: 'g',
  mode: 'enforce',
  match: { names: ['secret'], tags: [], minPriority: null, source: null, condition: null },
  isFromRule: false,
  scope: 'process',
  fuse: { max: 1000, perMs: 60_000 },
}

const rulesFor = (secret: string) => {
  const text = `
- rule: secret
  desc: d
  condition: evt.type in (open, openat, openat2) and fd.name = ${secret}
  output: o
  priority: CRITICAL
`
  const { rules } = loadRules([{ name: 'r.yaml', text }], { sources: [syscallSource] })
  return createRuleset(rules, { matching: 'all', source: syscallSource }).rules
}

const read = (cgroup: string, file: string) => {
  const argv = ['-c', 'echo $$ > "$0/cgroup.procs" && exec cat "$1"', cgroup, file]
  return spawnSync('sh', argv, { encoding: 'utf8' }).signal
}

kernelTest(
  'each of two nodes on one kernel tells and strikes its own, and nobody what is outside',
  () => {
    const directory = mkdtempSync(join(tmpdir(), 'riposte-nodes-'))
    const secret = join(directory, 'secret')
    writeFileSync(secret, 'x')
    try {
      using a = new TestNode(secret)
      using b = new TestNode(secret)
      const once = [{ name: secret, process: 'cat', isStruck: true }]

      expect(read(a.cgroup.directory, secret)).toBe('SIGKILL')
      expect([a.seen(), b.seen()]).toEqual([once, []])
      expect(read(b.cgroup.directory, secret)).toBe('SIGKILL')
      expect([a.seen(), b.seen()]).toEqual([[], once])
      expect(read(unified, secret)).toBeNull()
      expect([a.seen(), b.seen()]).toEqual([[], []])
    } finally {
      rmSync(directory, { recursive: true })
    }
  },
)

kernelTest(
  'the scan at start tells the scope and nobody else, and a process below it counts',
  async () => {
    await using victim = await startVictim(['sleep', '1000'])
    using node = new TestNode('/nowhere')
    using inner = makeCgroup(node.cgroup.directory, unified)
    inner.add(victim.pid)
    const found = new Set<number>()
    startKernel({
      events: [],
      scope: node.scope,
      onLost: () => undefined,
      onEvent: (view) => found.add(view.pid),
    }).close()
    expect([...found]).toEqual([victim.pid])
    expect(node.known.has(process.pid)).toBe(false)
    expect([node.scope.covers(victim.pid), node.scope.covers(process.pid)]).toEqual([true, false])
  },
)

kernelTest(
  'an order about a process outside the scope is refused, one inside is carried out',
  async () => {
    await using inside = await startVictim(['sleep', '1000'])
    await using outside = await startVictim(['sleep', '1000'])
    using node = makeCgroup(unified)
    node.add(inside.pid)
    const scope = openScope({ scope: `/${basename(node.directory)}`, cgroupRoot: '/sys/fs/cgroup' })
    await using context = await openTestContext({ scope })
    for (const action of ['kill_process', 'freeze', 'block_network'])
      expect(
        await executeVerdict(order(action, outside.identity, { id: action }), context),
      ).toMatchObject({ status: 'refused', detail: expect.stringContaining(scope.name) })

    const block = order('block_network', inside.identity, { id: 'block' })
    const blocked = await executeVerdict(block, context)
    expect(blocked).toMatchObject({ status: 'done' })
    expect(scope.covers(inside.pid)).toBe(true)
    await executeVerdict({ ...block, operation: 'undo', effect: blocked.effect }, context)
    const kill = order('kill_process', inside.identity, { id: 'kill' })
    expect(await executeVerdict(kill, context)).toMatchObject({ status: 'done' })
    await until(() => !scope.covers(inside.pid))
  },
)
