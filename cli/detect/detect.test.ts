import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { afterEach, beforeEach, expect, test } from '@jest/globals'
import { findCgroupTrees } from '../../detector/verdicts/cgroups.ts'
import { makeCgroup } from '../../detector/verdicts/testing.ts'
import { needs } from '../../scripts/needs.ts'
import { Riposte } from '../riposte.sample.ts'

let directory = ''
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'detect-'))
})
afterEach(() => rmSync(directory, { recursive: true }))

function write(name: string, text: string): string {
  const path = join(directory, name)
  writeFileSync(path, text)
  return path
}
const rules = (file: string) => `
- rule: Open the test's file
  desc: d
  condition: evt.type in (open, openat, openat2) and fd.name = ${file}
  output: "%proc.name opened %fd.name"
  priority: WARNING
`

test('-V says Ok and leaves with 0, or says what is wrong and leaves with 1', async () => {
  await using good = new Riposte(['detect', '-V', write('good.yaml', rules('/x'))])
  expect(await good.end()).toBe(0)
  expect(good.stdout).toBe(`${directory}/good.yaml: Ok\n`)

  const bad = write('bad.yaml', rules('/x').replace('fd.name', 'fd.nam'))
  await using wrong = new Riposte(['detect', '-V', bad, '-o', 'json_output=true'])
  expect(await wrong.end()).toBe(1)
  expect(JSON.parse(wrong.stdout)).toMatchObject({
    falco_load_results: [
      { name: bad, successful: false, errors: [{ code: 'LOAD_ERR_COMPILE_CONDITION' }] },
    ],
  })
}, 30_000)

test('--dry-run judges nothing; a mistake in the configuration is told with its place', async () => {
  const file = write('falco.yaml', 'json_output: yess\n')
  await using wrong = new Riposte([
    'detect',
    '--dry-run',
    '-c',
    file,
    '-r',
    write('r.yaml', rules('/x')),
  ])
  expect(await wrong.end()).toBe(1)
  expect(wrong.stderr).toContain('falco.yaml:1:14  json_output: ')
}, 30_000)

needs('root')(
  'without root it says so in one line with what to do',
  async () => {
    await using started = new Riposte(['detect', '-r', write('r.yaml', rules('/x'))], {
      uid: 65_534,
    })
    expect(await started.end()).toBe(1)
    expect(started.stderr.trim().split('\n').slice(0, 2)).toEqual([
      'riposte: live detection needs root',
      expect.stringContaining('sudo'),
    ])
  },
  30_000,
)

needs('root', 'ebpf')(
  'what the kernel tells is an alert on stdout, and its end leaves nothing',
  async () => {
    const file = write('secret', 'x')
    await using detector = new Riposte([
    'detect', '-r', write('r.yaml', rules(file)), '-o', 'json_output=true', '-o', 'append_output=[]',
  ]) // prettier-ignore
    await detector.until(() => detector.stderr.includes('ready\n'))
    spawnSync('cat', [file])
    await detector.until(() => detector.stdout.includes('\n'))
    expect(JSON.parse(detector.stdout)).toMatchObject({
      rule: "Open the test's file",
      priority: 'Warning',
      source: 'syscall',
      output_fields: { 'proc.name': 'cat', 'fd.name': file },
    })
    expect(await detector.end('SIGTERM')).toBe(0)
    const bpf = spawnSync('bpftool', ['prog', 'show', '-j'], { encoding: 'utf8' }).stdout
    expect(bpf).not.toContain(`"pid":${detector.child.pid},`)
  },
  60_000,
)

needs('root', 'ebpf')(
  'a detector whose parent ended while it was loading ends too, instead of striking for nobody',
  () => {
    const command = join(import.meta.dirname, '../riposte.js')
    const path = write('rules.yaml', rules(join(directory, 'x')))
    const { status, signal } = spawnSync(process.execPath, [command, 'detect', '-r', path], {
      env: { ...process.env, RIPOSTE_CHILD: '1' },
      timeout: 15_000,
      // SIGTERM would end it as it should end by itself.
      killSignal: 'SIGKILL',
    })
    expect({ status, signal }).toEqual({ status: 0, signal: null })
  },
  30_000,
)

needs('root', 'ebpf')(
  'of two detectors on one kernel each tells what is done in its scope, once, and nobody the rest',
  async () => {
    const { unified } = findCgroupTrees()
    if (unified === undefined) return
    using a = makeCgroup(unified)
    using b = makeCgroup(unified)
    const file = write('shared', 'x')
    const watch = ({ directory: at }: typeof a) => [
      'detect', '-r', write('r.yaml', rules(file)), '-o', 'json_output=true', '-o', 'append_output=[]',
      '-o', `riposte.scope=/${basename(at)}`,
    ] // prettier-ignore
    await using ofA = new Riposte(watch(a))
    await using ofB = new Riposte(watch(b))
    for (const one of [ofA, ofB]) await one.until(() => one.stderr.includes('ready\n'))
    for (const cgroup of [unified, a.directory, b.directory])
      spawnSync('sh', ['-c', 'echo $$ > "$0/cgroup.procs" && exec cat "$1"', cgroup, file])
    for (const one of [ofA, ofB]) {
      await one.until(() => one.stdout.includes('\n'))
      await one.end('SIGTERM')
      expect(one.stdout.trim().split('\n')).toHaveLength(1)
    }
    await using wrong = new Riposte([...watch(a).slice(0, -1), 'riposte.scope=/not/there'])
    expect(await wrong.end()).toBe(1)
    expect(wrong.stderr).toContain('riposte: riposte.scope: ')
  },
  60_000,
)
