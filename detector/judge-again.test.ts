import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from '@jest/globals'
import type { JudgedAlert } from './alerts/judged.ts'
import { compileAlert } from './alerts/alert.ts'
import { loadRules } from './engine/load/load.ts'
import { createRuleset } from './engine/ruleset.ts'
import { type RecordSource, encode } from './events/encode.ts'
import type { Event } from './events/event.ts'
import { readRecord } from './events/read-record.ts'
import { hostRoot, testState } from './fields/testing.ts'
import type { Judgement } from './judge-again.ts'
import { Pipeline } from './pipeline.ts'
import { ruleSources, syscallSource } from './rule-sources.ts'
import type { RulesInForce } from './rules-in-force.ts'
import type { Container } from './state/container.ts'

const id = 'ab'.repeat(32)

const rule = (name: string, condition: string, output = 'o') =>
  `- rule: ${name}\n  desc: d\n  condition: ${condition}\n  output: "${output}"\n  priority: WARNING\n`

interface Lab {
  readonly alerts: JudgedAlert[]
  readonly judgements: Judgement[]
  readonly send: (record: RecordSource) => void
  /** What the runtime says of the image; answers the alerts that do not hold with it. */
  readonly tell: (image: string) => readonly string[]
  readonly pipeline: Pipeline
  readonly refresh: () => void
}

function judging(text: string, matching: 'first' | 'all' = 'all', root = ''): Lab {
  const state = testState({ hostRoot: root })
  state.containers.onNew = () => undefined
  const rules = inForce(text, matching, (time) => state.host.wallTimeNs(time))
  const alerts: JudgedAlert[] = []
  const judgements: Judgement[] = []
  const pipeline = new Pipeline({
    state,
    rules,
    onAlert: (judged) => alerts.push(judged),
    isOwn: ({ view }) => view.pid === OWN_PID,
    onStruck: () => undefined,
    onSuspended: (_container, keep) => judgements.push(keep()),
  })
  const tell = (image: string) => {
    const container = state.containers.enter({ id: id.slice(0, 12), fullId: id })
    if (container === undefined) throw new Error('no container')
    container.facts = factsOf(image)
    state.containers.settle(container)
    return judgements.splice(0).flatMap(({ again }) => again())
  }
  const send = (record: RecordSource) => pipeline.onRecord(readRecord(encode(record)))
  return { alerts, judgements, send, tell, pipeline, refresh: () => state.refresh() }
}

const OWN_PID = 99
const factsOf = (imageRepository: string): Container['facts'] =>
  Object.assign(Object.create(null), { id, name: 'web', image: imageRepository, imageRepository, imageDigest: '', runtime: 'x', mounts: [] }) // prettier-ignore

function inForce(
  text: string,
  matching: 'first' | 'all',
  wallTimeNs: (time: bigint) => bigint,
): RulesInForce<Event> {
  const { rules: loaded, problems } = loadRules([{ name: 'r.yaml', text }], {
    sources: ruleSources,
  })
  expect(problems.filter(({ severity }) => severity === 'error')).toEqual([])
  const ruleset = createRuleset(loaded, { matching, source: syscallSource })
  const makers = new Map(
    ruleset.rules.flatMap((one) => {
      const maker = compileAlert(one, {
        table: syscallSource.fields,
        buffers: 'dots',
        identity: { node: 'n', bootId: 'b' },
        appendOutput: [],
        staticFields: new Map(),
        wallTimeNs,
        strikesOf: () => [],
      })
      return typeof maker === 'function' ? [[one, maker] as const] : []
    }),
  )
  return { ruleset, makers, loaded: loaded.length, sha256: '', files: [], loadedMs: 0 }
}

const exec = (pid: number, comm: string, more: Partial<RecordSource> = {}): RecordSource => ({
  event: 'execve',
  pid,
  parentPid: 1,
  startTimeNs: BigInt(pid),
  userId: 1000,
  parameters: { res: 0, comm, exe: comm, args: ['-x', comm], cgroups: [`/docker/${id}`] },
  ...more,
})
const open = (pid: number, name: string, path = name): RecordSource => ({
  event: 'openat',
  pid,
  startTimeNs: BigInt(pid),
  timeNs: 5_000_000_123n,
  userId: 1000,
  parameters: { fd: 3, dirfd: -100, name, path },
})

const reads = 'evt.type in (openat) and fd.name startswith /etc'

test('a rule on the image is decided once the image is known, with all else as it was then', () => {
  using root = hostRoot({})
  const lab = judging(
    rule(
      'Read',
      `${reads} and container.image.repository = bad`,
      '%user.name %proc.cmdline %proc.pname %container.image.repository',
    ),
    'all',
    root.path,
  )
  lab.send(exec(7, 'parent'))
  lab.send({ ...exec(8, 'thief'), parentPid: 7 })
  lab.send(open(8, '/etc/shadow'))
  expect(lab.alerts).toEqual([])
  expect(lab.judgements).toHaveLength(1)
  // The processes become others, one ends, and the user gets a name.
  lab.send(exec(8, 'innocent'))
  lab.send(exec(7, 'other'))
  lab.send({ event: 'procexit', pid: 8, startTimeNs: 8n, parameters: { status: 0 } })
  expect(lab.tell('bad')).toEqual([])
  expect(lab.alerts.map(({ alert }) => alert)).toMatchObject([
    {
      rule: 'Read',
      output: '<NA> thief -x thief parent bad',
      time: '2026-11-21T09:00:05.000000123Z',
      process: { pid: 8, name: 'thief' },
      place: { isPending: false, container: { name: 'web' } },
    },
  ])
  expect(lab.pipeline.matches.get('Read')).toBe(1)
})

test('what its user was called then is what the alert says', () => {
  const passwd = 'proc/8/root/etc/passwd'
  using root = hostRoot({ [passwd]: 'eve:x:1000:1000::/:/bin/sh\n', 'proc/8/mountinfo': '' })
  const lab = judging(
    rule('Read', `${reads} and container.image.repository = bad and user.name = eve`, '%user.name'),
    'all',
    root.path,
  )
  lab.send(exec(8, 'thief'))
  lab.send(open(8, '/etc/shadow'))
  writeFileSync(join(root.path, passwd), 'someone:x:1000:1000::/:/bin/sh\n')
  lab.refresh()
  lab.tell('bad')
  expect(lab.alerts.map(({ alert }) => alert.output)).toEqual(['eve'])
})

test('a rule that is false whatever the container is, or an event of our own, is not kept', () => {
  const lab = judging(rule('Read', `${reads} and proc.name = sh and container.privileged = true`))
  lab.send(exec(8, 'thief'))
  lab.send(open(8, '/etc/shadow'))
  lab.send(exec(9, 'sh'))
  lab.send(open(9, '/tmp/x'))
  lab.send(exec(OWN_PID, 'sh'))
  lab.send(open(OWN_PID, '/etc/shadow'))
  expect(lab.judgements).toEqual([])
  lab.send(open(9, '/etc/shadow'))
  expect(lab.judgements).toHaveLength(1)
})

test('an alert that holds as before is not told again, one that does not is named', () => {
  const lab = judging(
    rule('Not ours', `${reads} and not container.image.repository = good`) +
      rule('Any', `${reads} and container.id != host`),
  )
  lab.send(exec(8, 'thief'))
  lab.send(open(8, '/etc/shadow'))
  const [first] = lab.alerts.map(({ alert }) => alert)
  expect(lab.alerts.map(({ alert }) => alert.rule)).toEqual(['Not ours', 'Any'])
  expect(first?.place?.isPending).toBe(true)
  expect(lab.tell('good')).toEqual([first?.id])
  expect(lab.alerts).toHaveLength(2)
})

test('where the first rule that matches ends an event, the one that comes up first now is told', () => {
  const lab = judging(
    rule('Image', `${reads} and container.image.repository = bad`) +
      rule('Not ours', `${reads} and not container.image.repository in (good, bad)`) +
      rule('Any', reads),
    'first',
  )
  const rulesTold = () => lab.alerts.map(({ alert }) => alert.rule)
  lab.send(exec(8, 'thief'))
  lab.send(open(8, '/etc/shadow'))
  expect(rulesTold()).toEqual(['Not ours'])
  expect(lab.tell('bad')).toEqual([lab.alerts[0]?.alert.id])
  expect(rulesTold()).toEqual(['Not ours', 'Image'])
})

test('a file that goes by two names is judged again with each, and told once', () => {
  const lab = judging(rule('Read', `${reads} and container.image.repository = bad`, '%fd.name'))
  lab.send(exec(8, 'thief'))
  lab.send(open(8, '/tmp/link', '/etc/shadow'))
  lab.send(open(8, '/etc/alias', '/srv/x'))
  lab.send(open(8, '/etc/a', '/etc/b'))
  lab.tell('bad')
  expect(lab.alerts.map(({ alert }) => alert.output)).toEqual([
    '/etc/shadow',
    '/etc/alias',
    '/etc/b',
  ])
})

test('rules that were in force then decide, whatever is in force by now', () => {
  const lab = judging(rule('Read', `${reads} and container.image.repository = bad`))
  lab.send(exec(8, 'thief'))
  lab.send(open(8, '/etc/shadow'))
  lab.pipeline.swap(inForce(rule('Other', reads), 'all', (time) => time))
  lab.tell('bad')
  expect(lab.alerts.map(({ alert }) => alert.rule)).toEqual(['Read'])
})
