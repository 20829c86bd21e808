import { request } from 'node:http'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from '@jest/globals'
import { type Problem, printProblem } from '../contract/problem.ts'
import { loadConfig } from './config.ts'
import { type RecordSource, encode } from './events/encode.ts'
import { readRecord } from './events/read-record.ts'
import type { EventView } from './events/view.ts'
import { startDetector } from './main.ts'
import { RulesRefused } from './rules-in-force.ts'
import type { DetectorServices } from './services.ts'
import type { EventSource } from './source.ts'
import { createState } from './state/state.ts'

let directory = ''
const cleanups: (() => Promise<void>)[] = []
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'detector-'))
})
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup()
  await rm(directory, { recursive: true })
})

/** Records that the test writes, through the same bytes as the kernel's. */
function recorded() {
  const lost: Record<string, number> = {}
  let onRecord: ((view: EventView) => void) | undefined
  const wants: ReadonlySet<string>[] = []
  const source: EventSource = {
    start(wanted, take) {
      wants.push(wanted)
      onRecord = take
      return Promise.resolve()
    },
    want: (wanted) => void wants.push(wanted),
    lost: () => lost,
    degraded: () => [],
    stop: () => Promise.resolve(),
  }
  const send = (record: RecordSource) => {
    onRecord?.(readRecord(encode(record)))
  }
  return { source, send, lost, wants }
}

const exec = (pid: number, path: string): RecordSource => ({
  event: 'execve',
  pid,
  parentPid: 1,
  startTimeNs: BigInt(pid),
  timeNs: 1_000n,
  parameters: { res: 0, exe: path, args: ['-x'], comm: 'cat', trusted_exepath: path, uid: 0 },
})
const open = (pid: number, path: string, name = path): RecordSource => ({
  event: 'openat',
  pid,
  startTimeNs: BigInt(pid),
  timeNs: 2_000n,
  parameters: { fd: 3, dirfd: -100, name, flags: 1, mode: 0, path },
})

const readShadow = `
- rule: Read shadow
  desc: d
  condition: evt.type = openat and fd.name = /etc/shadow
  output: "%proc.name (%proc.cmdline) read %fd.name"
  priority: WARNING
  tags: [T1555]
`

async function detector(rules: string, settings: Record<string, unknown> = {}) {
  const rulesFile = join(directory, 'rules.yaml')
  const alertsFile = join(directory, 'alerts')
  await writeFile(rulesFile, rules)
  const overrides = Object.entries({
    rules_files: [rulesFile],
    'stdout_output.enabled': false,
    file_output: { enabled: true, filename: alertsFile },
    append_output: [],
    time_format_iso_8601: true,
    ...settings,
  }).map(([key, value]) => `${key}=${JSON.stringify(value)}`)
  const { config, problems } = loadConfig({ file: undefined, overrides, environment: {} })
  expect(problems).toEqual([])
  if (config === undefined) throw new Error('the configuration does not load')
  const from = recorded()
  const said: string[] = []
  const explained: Problem[] = []
  const services: DetectorServices = {
    source: from.source,
    state: createState({ lookUpsPerSecond: 0 }),
    hands: undefined,
    scope: { name: 'host', level: 0, directory: undefined },
    judge: undefined,
    token: () => 'secret',
    say: (line) => void said.push(line),
    explain: (found) => void explained.push(...found),
    version: '0.0.0',
    environment: {},
    random: () => 0,
  }
  const started = await startDetector(config, services)
  let isStopped = false
  const stop = async () => {
    if (!isStopped) await started.stop()
    isStopped = true
  }
  cleanups.push(stop)
  const lines = async () =>
    (await readFile(alertsFile, 'utf8').catch(() => '')).split('\n').filter((line) => line !== '')
  return { ...started, ...from, stop, said, explained, rulesFile, lines }
}

async function until(isTrue: () => boolean | Promise<boolean>) {
  while (!(await isTrue())) await new Promise((resolve) => setTimeout(resolve, 5))
}

test('a record that a rule matches becomes a line in an output, with its process', async () => {
  const { send, lines, wants, stop } = await detector(readShadow)
  expect([...(wants[0] ?? [])]).toEqual(['openat'])
  send(exec(100, '/usr/bin/cat'))
  send(open(100, '/etc/passwd'))
  send(open(100, '/etc/shadow'))
  await stop()
  expect(await lines()).toEqual([
    expect.stringMatching(/^\d{4}-.*\+0000: Warning cat \(cat -x\) read \/etc\/shadow$/),
  ])
})

test('an opened file is judged by both of its names, and no rule speaks twice of one record', async () => {
  const both = `${readShadow}
- rule: Open a link
  desc: d
  condition: evt.type = openat and fd.name = /tmp/link
  output: "link %fd.name"
  priority: NOTICE
- rule: Open anything
  desc: d
  condition: evt.type = openat
  output: "any"
  priority: NOTICE
`
  const { send, lines, stop } = await detector(both, { rule_matching: 'all' })
  send(exec(100, '/usr/bin/cat'))
  send(open(100, '/etc/shadow', '/tmp/link'))
  await stop()
  const messages = (await lines()).map((line) => line.replace(/^\S+ /, ''))
  expect(messages.toSorted()).toEqual([
    'Notice any',
    'Notice link /tmp/link',
    'Warning cat (cat -x) read /etc/shadow',
  ])
})

test('one lost record is an alert and a degraded state within a second, and passes', async () => {
  const { lost, lines, degraded } = await detector(readShadow)
  lost['file'] = 1
  await until(async () => (await lines()).length === 1)
  expect((await lines())[0]).toMatch(
    /Debug Falco internal: syscall event drop\. 1 system calls dropped in last second\. \(.*n_drops_buffer_file="1"/,
  )
  expect(degraded()).toEqual(['1 file records lost in the last second'])
  await until(() => degraded().length === 0)
})

test('changed rules are in force without losing what is known of processes', async () => {
  const { send, lines, rulesFile, said, wants } = await detector(readShadow)
  send(exec(100, '/usr/bin/cat'))
  await writeFile(rulesFile, readShadow.replace('/etc/shadow', '/etc/gshadow'))
  await until(() => said.some((line) => line.includes('rules in force')))
  expect(wants.length).toBe(2)
  send(open(100, '/etc/shadow'))
  send(open(100, '/etc/gshadow'))
  await until(async () => (await lines()).length > 0)
  expect(await lines()).toEqual([expect.stringContaining('cat (cat -x) read /etc/gshadow')])
})

test('wrong rules leave the ones before them in force, and say so in every place', async () => {
  // The watch of the files would say it once more.
  const { send, lines, rulesFile, explained, degraded, reload } = await detector(readShadow, {
    watch_config_files: false,
  })
  await writeFile(rulesFile, readShadow.replace('fd.name', 'fd.nam'))
  reload()
  expect(explained.map((problem) => printProblem(problem, undefined)).join()).toMatch(
    /rules\.yaml:\d+:\d+ .*fd\.nam/,
  )
  expect(degraded()[0]).toMatch(/^1 problems in the rule files; the rules of .* stay in force$/)
  send(open(100, '/etc/shadow'))
  await until(async () => (await lines()).length === 2)
  expect((await lines()).join('\n')).toMatch(/Critical Falco internal: hot restart failure/)
  expect((await lines()).join('\n')).toMatch(/Warning .* read \/etc\/shadow/)
})

test('rules that are wrong at the start refuse the start', async () => {
  await expect(detector('- rule: x\n')).rejects.toThrow(RulesRefused)
})

test('health and metrics are answered on a unix socket', async () => {
  const socketPath = join(directory, 'status')
  const { send } = await detector(readShadow, { 'riposte.status_socket': socketPath })
  send(exec(100, '/usr/bin/cat'))
  send(open(100, '/etc/shadow'))
  const get = (path: string) =>
    new Promise<string>((resolve, reject) => {
      request({ socketPath, path, agent: false }, (response) => {
        let body = `${response.statusCode} `
        response.on('data', (bytes) => (body += String(bytes))).on('end', () => resolve(body))
      })
        .on('error', reject)
        .end()
    })
  expect(await get('/healthz')).toBe('200 {"status":"ok"}')
  expect(await get('/metrics')).toContain(
    'falcosecurity_falco_rules_matches_total{priority="4",rule_name="Read shadow",source="syscall",tag_T1555="true"} 1\n',
  )
})
