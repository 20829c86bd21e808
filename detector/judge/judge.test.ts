import { expect } from '@jest/globals'
import { spawnSync } from 'node:child_process'
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  rmdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { noPods } from '../../contract/protected-pods.ts'
import type { StrikeOrder } from '../../contract/verdict.ts'
import { needs } from '../../scripts/needs.ts'
import { loadRules } from '../engine/load/load.ts'
import { createEvent, type LiveEvent } from '../events/event.ts'
import { events, recordFlags } from '../events/schema.ts'
import { createRuleset } from '../engine/ruleset.ts'
import type { LoadedRule } from '../engine/load/compile-rules.ts'
import { syscallSource } from '../rule-sources.ts'
import { startKernel } from '../sources/kernel.ts'
import { apply } from '../state/apply.ts'
import { createState } from '../state/state.ts'
import { PodStrikes } from '../containers/pod-strikes.ts'
import { findCgroupTrees } from '../verdicts/cgroups.ts'
import { makeCgroup } from '../verdicts/testing.ts'
import { type Disarmed, Judge } from './judge.ts'

const running = (rules: readonly LoadedRule[]) =>
  createRuleset(rules, { matching: 'all', source: syscallSource }).rules

const kernelTest = needs('root', 'ebpf')
const { unified = '' } = findCgroupTrees()
const podTest = unified === '' ? kernelTest.skip : kernelTest

interface Seen {
  readonly name: string
  readonly process: string
  readonly flags: number
  readonly told: readonly string[]
}

interface Lab {
  readonly directory: string
  readonly secret: string
  readonly judge: Judge
  /** Copies cat under another name, to be run. */
  readonly program: (name: string) => string
  /** Records of files in the lab, since the last call. */
  readonly seen: () => readonly Seen[]
  readonly disarmed: readonly Disarmed[]
}

const ruleOf = (condition: string) => `
- rule: secret
  desc: d
  condition: evt.type in (open, openat, openat2) and ${condition}
  output: o
  priority: CRITICAL
  tags: [t]
`

const order = (mode: 'audit' | 'enforce', change: Partial<StrikeOrder> = {}): StrikeOrder => ({
  policy: 'p',
  policyGeneration: 'g',
  mode,
  match: { names: ['secret'], tags: [], minPriority: null, source: null, condition: null },
  isFromRule: false,
  scope: 'process',
  fuse: { max: 1000, perMs: 60_000 },
  ...change,
})

/** The real kernel, judging by one rule on a file of its own. */
function lab(
  condition: (secret: string) => string,
  orders: readonly StrikeOrder[],
  use: (lab: Lab) => void,
  guardedPrograms: (directory: string) => readonly string[] = () => [],
): void {
  const directory = mkdtempSync(join(tmpdir(), 'riposte-judge-'))
  const secret = join(directory, 'secret')
  writeFileSync(secret, 'the secret\n')
  const state = createState()
  const judge = new Judge({
    eventNames: events.map(({ name }) => name),
    isKept: (name) => !name.startsWith('open'),
    isFiltering: true,
    guardedPrograms: guardedPrograms(directory),
    hostMounts: statSync('/proc/self/ns/mnt').ino,
    ownPids: () => [process.pid],
  })
  const records: Seen[] = []
  const disarmed: Disarmed[] = []
  let event: LiveEvent | undefined
  const source = startKernel({
    events: ['open', 'openat', 'openat2'],
    compat: 'never',
    isScanWanted: true,
    onLost: () => undefined,
    onEvent(view) {
      event ??= createEvent(view, state)
      event.view = view
      if (!apply(event)) return
      disarmed.push(...judge.confirm(event))
      const path = events[view.eventId]?.parameters.findIndex(({ name }) => name === 'path') ?? -1
      const opened = path < 0 || !view.eventId ? undefined : view.text(path)
      if (opened?.startsWith(directory) !== true) return
      const told = judge.strikesOf(event, 'secret').map(({ mode }) => mode)
      records.push({ name: opened, process: event.process?.name ?? '', flags: view.flags, told })
    },
  })
  try {
    source.drain()
    state.endScan()
    const loaded = loadRules([{ name: 'r.yaml', text: ruleOf(condition(secret)) }], {
      sources: [syscallSource],
    })
    expect(loaded.problems).toEqual([])
    judge.bind(source.object)
    judge.learn(state.processes.live())
    judge.setRules(running(loaded.rules))
    judge.takeStrikes({ generation: '1', orders: [...orders], protectedPods: noPods })
    use({
      directory,
      secret,
      judge,
      disarmed,
      program(name) {
        const path = join(directory, name)
        copyFileSync('/bin/cat', path)
        return path
      },
      seen() {
        source.drain()
        return records.splice(0)
      },
    })
  } finally {
    source.close()
    rmSync(directory, { recursive: true })
  }
}

const read = (program: string, file: string) => {
  const { stdout, signal, status } = spawnSync(program, [file], { encoding: 'utf8' })
  return { stdout, signal, status }
}
const killed = { stdout: '', signal: 'SIGKILL', status: null }
const unhurt = { stdout: 'the secret\n', signal: null, status: 0 }

kernelTest(
  'who opens what an enforced strike forbids is dead before a byte is read, each time',
  () => {
    lab(
      (secret) => `fd.name = ${secret} and not proc.name in (trusted) and not proc.pname = nobody`,
      [order('enforce')],
      ({ judge, program, secret, directory, seen }) => {
        const thief = program('thief')
        const records: Seen[] = []
        // Read at once: what else this machine opens meanwhile must not fill the ring.
        const steal = (path: string) => {
          const answer = read(thief, path)
          records.push(...seen().filter(({ process }) => process === 'thief'))
          return answer
        }
        const answers = Array.from({ length: 100 }, () => steal(secret))
        expect(answers.filter(({ signal }) => signal === 'SIGKILL')).toHaveLength(100)
        expect(new Set(answers.map(({ stdout }) => stdout))).toEqual(new Set(['']))
        symlinkSync(secret, join(directory, 'link'))
        expect(steal(join(directory, 'link'))).toMatchObject(killed)
        expect(read(program('trusted'), secret)).toMatchObject(unhurt)
        const { active } = judge.heartbeat()
        expect(active).toEqual([{ policy: 'p', rule: 'secret', mode: 'enforce', kills: 101 }])
        expect(records.filter(({ name }) => name === secret)).toHaveLength(101)
        expect(records[0]).toMatchObject({ process: 'thief', told: ['enforce'] })
        expect((records[0]?.flags ?? 0) & recordFlags.struck).toBe(recordFlags.struck)
      },
    )
  },
)

kernelTest('in audit the record says what would have happened, and nothing does', () => {
  lab(
    (secret) => `fd.name = ${secret}`,
    [order('audit')],
    ({ program, secret, seen }) => {
      expect(read(program('thief'), secret)).toMatchObject(unhurt)
      const [record] = seen().filter(({ name }) => name === secret)
      expect(record).toMatchObject({ told: ['audit'] })
      expect((record?.flags ?? 0) & recordFlags.wouldStrike).toBe(recordFlags.wouldStrike)
    },
  )
})

kernelTest('what no rule names is dropped, and other rules bring it up again', () => {
  lab(
    (secret) => `fd.name = ${secret}`,
    [],
    ({ judge, program, secret, directory, seen }) => {
      const reader = program('reader')
      const other = join(directory, 'other')
      writeFileSync(other, 'the secret\n')
      seen()
      expect(read(reader, other)).toMatchObject(unhurt)
      expect(read(reader, secret)).toMatchObject(unhurt)
      expect(seen().map(({ name }) => name)).toEqual([secret])
      const { rules } = loadRules([{ name: 'r.yaml', text: ruleOf(`fd.name = ${other}`) }], {
        sources: [syscallSource],
      })
      judge.setRules(running(rules))
      read(reader, other)
      read(reader, secret)
      expect(seen().map(({ name }) => name)).toEqual([other])
    },
  )
})

kernelTest('the fuse stops the killing, the kill switch and the guards prevent it', () => {
  lab(
    (secret) => `fd.name = ${secret}`,
    [order('enforce', { fuse: { max: 2, perMs: 3_600_000 } })],
    ({ judge, program, secret }) => {
      const thief = program('thief')
      expect(read(program('guard'), secret)).toMatchObject(unhurt)
      judge.setKillSwitch(true)
      expect(read(thief, secret)).toMatchObject(unhurt)
      judge.setKillSwitch(false)
      expect([1, 2, 3].map(() => read(thief, secret).signal)).toEqual(['SIGKILL', 'SIGKILL', null])
    },
    (directory) => [join(directory, 'guard')],
  )
})

kernelTest(
  'a rule that the kernel cannot decide has no strike, and says which leaf is the reason',
  () => {
    lab(
      (secret) => `fd.name = ${secret} and proc.cmdline contains evil`,
      [order('enforce')],
      ({ judge, program, secret }) => {
        expect(read(program('thief'), secret)).toMatchObject(unhurt)
        expect(judge.heartbeat()).toMatchObject({
          active: [],
          unavailable: [
            { policy: 'p', rule: 'secret', reason: 'proc.cmdline is not known in the kernel' },
          ],
        })
      },
    )
  },
)

const inCgroup = (directory: string, ...argv: readonly string[]) => {
  const enter = ['-c', 'echo $$ > "$0/cgroup.procs" && exec "$@"', directory, ...argv]
  const { stdout, signal, status } = spawnSync('sh', enter, { encoding: 'utf8' })
  return { stdout, signal, status }
}

podTest(
  'in Kubernetes a strike waits until its pod is known, and spares one that is protected',
  () => {
    using node = makeCgroup(unified)
    const uid = '1b4e28ba-2fa1-11d2-883f-0016d3cca427'
    const pod = join(
      node.directory,
      'kubepods.slice',
      `kubepods-pod${uid.replaceAll('-', '_')}.slice`,
    )
    const container = join(pod, 'nested')
    mkdirSync(container, { recursive: true })
    const orders = [order('enforce')]
    const found = { uid, name: 'a', labels: { app: 'a' }, annotations: {}, owners: [] }
    const facts = { serviceAccount: '', priorityClass: null, isHostNetwork: false }
    const podIn = (namespace: string) => ({ ...found, ...facts, namespace })
    lab(
      (secret) => `fd.name = ${secret}`,
      orders,
      ({ judge, program, secret, seen }) => {
        const thief = program('thief')
        const inside = () => inCgroup(container, 'unshare', '--mount', thief, secret)
        const strikes = new PodStrikes({ root: node.directory, pods: judge.pods })
        expect(inside()).toMatchObject(killed)

        strikes.expect()
        expect(inside()).toMatchObject(unhurt)
        // The host's own programs are nobody's pod.
        expect(read(thief, secret)).toMatchObject(killed)
        strikes.tell(uid, podIn('shop'))
        expect(inside()).toMatchObject(killed)

        seen()
        strikes.tell(uid, podIn('kube-system'))
        const protectedPods = { ...noPods, namespaces: ['kube-system'] }
        judge.takeStrikes({ generation: '2', orders, protectedPods })
        expect(inside()).toMatchObject(unhurt)
        expect(inCgroup(container, thief, secret)).toMatchObject(unhurt)
        // The alert is told as one that no strike answered: the gates of the responder have their say.
        expect(seen().filter(({ process }) => process === 'thief')).toMatchObject([
          { told: [], flags: 0 },
          { told: [], flags: 0 },
        ])
        strikes.tell(uid, podIn('shop'))
        expect(inside()).toMatchObject(killed)

        for (let at = container; at !== node.directory; at = dirname(at)) rmdirSync(at)
        strikes.sweep()
      },
    )
  },
)
